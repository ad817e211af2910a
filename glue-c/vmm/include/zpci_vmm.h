/* SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only */
/* Made by cbindgen of the sources of zpci-vmm; a test compares. */

#ifndef ZPCI_VMM_H
#define ZPCI_VMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 Unmap everything.
 */
#define ZPCI_EFFECT_DEREGISTERED 1

/*
 Translation is registered: nothing is mapped yet.
 */
#define ZPCI_EFFECT_REGISTERED 2

/*
 Deliver no more interrupts.
 */
#define ZPCI_EFFECT_NO_INTERRUPTS 4

/*
 Deliver interrupts by the vectors.
 */
#define ZPCI_EFFECT_INTERRUPTS 8

/*
 Write the measurement block there from now on. Counters start from 0; as `ZPCI_RULES_QEMU` where it ends alone.
 */
#define ZPCI_EFFECT_MEASURE 16

/*
 The error state was left: loads, stores and, after `zpci_function_refresh_all()`, DMA may go on. What was unmapped of a
 function without translation, all of the guest, is mapped again as for `ZPCI_EFFECT_REGISTERED`.
 */
#define ZPCI_EFFECT_RESET 32

/*
 Loads and stores may go on, DMA may not.
 */
#define ZPCI_EFFECT_UNBLOCKED 64

/*
 Enable the function.
 */
#define ZPCI_SET_ENABLE 0

/*
 Disable it.
 */
#define ZPCI_SET_DISABLE 1

/*
 It is done.
 */
#define ZPCI_SET_DONE 0

/*
 The function went away meanwhile.
 */
#define ZPCI_SET_GONE 1

/*
 Resources are insufficient.
 */
#define ZPCI_SET_RESOURCES 2

/*
 The function is busy; the guest tries again.
 */
#define ZPCI_SET_BUSY 3

/*
 The function has a permanent error.
 */
#define ZPCI_SET_PERMANENT_ERROR 4

/*
 Bytes of the block that are read and written.
 */
#define ZPCI_EVENT_INFORMATION_SIZE 112

/*
 Content code of an error event.
 */
#define ZPCI_EVENT_ERROR 1

/*
 Content code of an availability event.
 */
#define ZPCI_EVENT_AVAILABILITY 2

/*
 A function that was reserved or in standby is configured.
 */
#define ZPCI_AVAILABILITY_CONFIGURED 769

/*
 A function that was reserved is in standby.
 */
#define ZPCI_AVAILABILITY_RESERVED_TO_STANDBY 770

/*
 The guest is asked to deconfigure the function.
 */
#define ZPCI_AVAILABILITY_DECONFIGURATION_REQUEST 771

/*
 The function was taken away: it is in standby or reserved.
 */
#define ZPCI_AVAILABILITY_CONFIGURED_TO_STANDBY 772

/*
 Functions changed: the guest lists them all.
 */
#define ZPCI_AVAILABILITY_CHANGED 774

/*
 A function that was in standby is reserved.
 */
#define ZPCI_AVAILABILITY_STANDBY_TO_RESERVED 776

/*
 Doublewords of a `struct zpci_function`.
 */
#define ZPCI_FUNCTION_SIZE 56

/*
 Doublewords of a `struct zpci_pending`.
 */
#define ZPCI_PENDING_SIZE 6

/*
 Answer as Linux expects it of hardware.
 */
#define ZPCI_RULES_HARDWARE 0

/*
 Answer as QEMU 10.0.2 does.
 */
#define ZPCI_RULES_QEMU 1

/*
 The same, and RPCIT as QEMU goes over its range, with the pages that it maps and unmaps beside those that were meant: to
 compare with it.
 */
#define ZPCI_RULES_QEMU_STEPS 2

/*
 Not enabled.
 */
#define ZPCI_STATE_DISABLED 0

/*
 In use.
 */
#define ZPCI_STATE_ENABLED 1

/*
 Its error was reset for loads and stores alone; it does DMA as `ZPCI_RULES_QEMU` alone.
 */
#define ZPCI_STATE_BLOCKED 2

/*
 In error: loads, stores and DMA are refused.
 */
#define ZPCI_STATE_ERROR 3

/*
 It does not come back.
 */
#define ZPCI_STATE_PERMANENT_ERROR 4

/*
 Most groups of a guest.
 */
#define ZPCI_GROUPS 16

/*
 Words of a `struct zpci_groups`.
 */
#define ZPCI_GROUPS_SIZE 280

/*
 Words of a `struct zpci_slot`.
 */
#define ZPCI_SLOT_SIZE 99

/*
 Bytes of a `struct zpci_suppression`.
 */
#define ZPCI_SUPPRESSION_SIZE 2

/*
 A place for a function of the guest, or none; an array of them is what CLP is answered from.
 */
struct zpci_slot {
  uint32_t opaque[ZPCI_SLOT_SIZE];
};

/*
 The groups of a guest.
 */
struct zpci_groups {
  uint32_t opaque[ZPCI_GROUPS_SIZE];
};

/*
 What SLPC answers of the PCI processor. No public source says what the bits mean.
 */
struct zpci_characteristics {
  /*
   Installed facilities (`lpif`).
   */
  uint32_t facilities[8];
  /*
   Characteristics (`lpic`).
   */
  uint32_t characteristics[8];
  /*
   Whether there is a bit that makes an address for mapped I/O one for write-back.
   */
  bool has_write_back;
  /*
   Its position, 0 to 63, bit 0 the most significant.
   */
  uint8_t write_back_position;
};

/*
 What CLP is answered from.
 */
struct zpci_commands {
  /*
   Slots, each of which a function keeps as long as the guest has it; NULL if there are none.
   */
  struct zpci_slot *slots;
  /*
   Number of slots.
   */
  size_t slot_count;
  /*
   Groups.
   */
  const struct zpci_groups *groups;
  /*
   The answer to SLPC, NULL if the command is unknown, which it always is as `ZPCI_RULES_QEMU`, and with characteristics that
   no processor has.
   */
  const struct zpci_characteristics *characteristics;
  /*
   Number of functions that a list says the machine can have.
   */
  uint16_t max_functions;
  /*
   Whether the UIDs differ, which the VMM sees to.
   */
  bool uid_checking;
  /*
   `ZPCI_RULES_*`.
   */
  uint8_t rules;
  /*
   The VMM's own.
   */
  void *opaque;
  /*
   Carries out `action` (`ZPCI_SET_ENABLE`, `_DISABLE`) for the function in `slot`: sets the handle that it has then, and
   also in the slot; returns `ZPCI_SET_DONE` or why not. It does not touch the block that is being answered.
   */
  uint8_t (*set)(void *opaque, size_t slot, uint8_t action, uint32_t *handle);
};

/*
 How CLP ends.
 */
struct zpci_reply {
  /*
   First byte of the block to copy back.
   */
  size_t written;
  /*
   Number of bytes to copy back; all others are as they were.
   */
  size_t written_length;
  /*
   Code of a program interruption; 0 if the instruction ends with a condition code.
   */
  uint16_t program_interruption;
  /*
   Condition code, 0 to 3.
   */
  uint8_t condition_code;
};

/*
 The controls of a function of a guest; `zpci_function_init()` makes one of any storage of this size.
 */
struct zpci_function {
  uint64_t opaque[ZPCI_FUNCTION_SIZE];
};

/*
 What the VMM gives a function.
 */
struct zpci_function_configuration {
  /*
   First DMA address, as the guest was told by CLP.
   */
  uint64_t start_dma;
  /*
   Last DMA address, inclusive.
   */
  uint64_t end_dma;
  /*
   Identifier (FID).
   */
  uint32_t id;
  /*
   Most interrupts.
   */
  uint16_t max_interrupts;
  /*
   Roots that the guest may use: bit n, 0x80 for n = 0, for designation type n; 0x40 is region-third.
   */
  uint8_t designation_types;
  /*
   Type (PFT).
   */
  uint8_t function_type;
  /*
   `ZPCI_RULES_*`.
   */
  uint8_t rules;
  /*
   Whether the guest may do without translation.
   */
  bool relaxed_translation;
  /*
   Whether the VMM writes a measurement block.
   */
  bool has_measurement;
};

/*
 How an instruction ends.
 */
struct zpci_answer {
  /*
   R1 afterwards; as it was, after a program interruption.
   */
  uint64_t r1;
  /*
   Code of a program interruption; 0 if the instruction ends with a condition code.
   */
  uint16_t program_interruption;
  /*
   Condition code, 0 to 3.
   */
  uint8_t condition_code;
  /*
   Whether there is an error event for the guest.
   */
  bool has_event;
  /*
   The event, as `zpci_event_answer()` takes it with `ZPCI_EVENT_ERROR`.
   */
  uint8_t event[32];
};

/*
 What a VMM does after MPCIFC, before the guest goes on.
 */
struct zpci_effect {
  /*
   `ZPCI_EFFECT_*`: bits.
   */
  uint32_t what;
  /*
   Number of interrupts, offset of the vector, subclass, offset of the summary bit: as the guest gave them, in the word at
   byte 40 of the FIB, reserved bits 0; with `ZPCI_EFFECT_INTERRUPTS`.
   */
  uint32_t interrupt_word;
  /*
   First address that is translated; with `ZPCI_EFFECT_REGISTERED`.
   */
  uint64_t first;
  /*
   Last address, inclusive.
   */
  uint64_t last;
  /*
   The anchor. Without 0x800, there is no translation: map all of the guest from the start of the window.
   */
  uint64_t iota;
  /*
   Address of the interrupt bit vector.
   */
  uint64_t aibv;
  /*
   Address of the summary bit.
   */
  uint64_t aisb;
  /*
   Address of the measurement block, 0 for none; with `ZPCI_EFFECT_MEASURE`.
   */
  uint64_t fmb;
};

/*
 An RPCIT, or a refresh of the VMM's own, that is being carried out.
 */
struct zpci_pending {
  uint64_t opaque[ZPCI_PENDING_SIZE];
};

/*
 Pages with addresses in a row that lead to guest storage in a row.
 */
struct zpci_mapping {
  /*
   First I/O virtual address, of a page.
   */
  uint64_t first;
  /*
   Last I/O virtual address, inclusive, of a page.
   */
  uint64_t last;
  /*
   Where the first leads in guest storage.
   */
  uint64_t absolute;
  /*
   Which refresh made it: kept with the mapping; mappings with different numbers are not joined.
   */
  uint64_t refresh;
  /*
   Whether the device may read alone.
   */
  bool read_only;
};

/*
 What the VMM does for a refresh; all functions are called with `opaque`, from within `zpci_rpcit_proceed()`.
 */
struct zpci_host {
  /*
   The VMM's own.
   */
  void *opaque;
  /*
   Loads the big-endian doubleword at an absolute address of the guest, at once, into `value` in the byte order of the
   host; false if the guest has no storage there.
   */
  bool (*read_entry)(void *opaque, uint64_t address, uint64_t *value);
  /*
   Finds the mapping with the lowest address that has a page from `first` to `last`, inclusive; false if there is none.
   */
  bool (*first_in)(void *opaque, uint64_t first, uint64_t last, struct zpci_mapping *found);
  /*
   Maps, all of it or nothing; false if the host can map no more. What is no storage of the guest stays unmapped.
   */
  bool (*map)(void *opaque, const struct zpci_mapping *mapping);
  /*
   Unmaps whatever is mapped from `first` to `last`, inclusive.
   */
  void (*unmap)(void *opaque, uint64_t first, uint64_t last);
};

/*
 A group as the host has it.
 */
struct zpci_group_values {
  /*
   DMA address space mask.
   */
  uint64_t dasm;
  /*
   Address that MSIs are written to.
   */
  uint64_t msi_address;
  /*
   Most interrupts.
   */
  uint16_t max_interrupts;
  /*
   Longest block of PCISTB in bytes.
   */
  uint16_t max_store_block;
  /*
   Interval in which the measurement block is updated, in milliseconds.
   */
  uint16_t measurement_interval_ms;
  /*
   Version of PCI.
   */
  uint8_t version;
  /*
   Supported designation types (DTSM).
   */
  uint8_t designation_types;
  /*
   Whether the host needs a refresh of what becomes valid.
   */
  bool refresh;
  /*
   Relaxed translation.
   */
  bool relaxed_translation;
};

/*
 What the VMM does itself for the functions of a group.
 */
struct zpci_virtualization {
  /*
   Whether the machine walks the guest's tables, and not the VMM.
   */
  bool nested;
  /*
   Of a VMM that walks them: the roots, as in DTSM.
   */
  uint8_t roots;
  /*
   Of a VMM that walks them: whether it maps all of the guest for a function without translation.
   */
  bool relaxed_translation;
  /*
   Longest block of PCISTB in bytes that the VMM takes.
   */
  uint16_t max_store_block;
};

/*
 What a function did since measurement was set, or as `ZPCI_RULES_QEMU` since it last ended: the counters that every format
 has.
 */
struct zpci_measured {
  /*
   Number of the sample.
   */
  uint32_t sample;
  /*
   Zero.
   */
  uint32_t reserved;
  /*
   When the sample before was taken.
   */
  uint64_t time_before;
  /*
   When this one was taken: another time, with 0 in the last bit.
   */
  uint64_t time;
  /*
   Loads.
   */
  uint64_t loads;
  /*
   Stores.
   */
  uint64_t stores;
  /*
   Block stores.
   */
  uint64_t block_stores;
  /*
   Refreshes: `zpci_function_refreshes()`.
   */
  uint64_t refreshes;
};

/*
 What the guest is told of a function.
 */
struct zpci_function_values {
  /*
   First DMA address.
   */
  uint64_t start_dma;
  /*
   Last DMA address, inclusive.
   */
  uint64_t end_dma;
  /*
   Identifier (FID).
   */
  uint32_t id;
  /*
   User-defined identifier (UID).
   */
  uint32_t uid;
  /*
   PCI vendor identifier.
   */
  uint16_t vendor;
  /*
   PCI device identifier.
   */
  uint16_t device;
  /*
   Physical channel identifier.
   */
  uint16_t pchid;
  /*
   Length in bytes of the measurement block that the VMM writes, 0 if it writes none.
   */
  uint16_t fmb_length;
  /*
   Group (PFGID), as `zpci_groups_add()` returned it.
   */
  uint8_t group;
  /*
   Type (PFT).
   */
  uint8_t function_type;
  /*
   Port.
   */
  uint8_t port;
  /*
   Function identifier parameter.
   */
  uint8_t fidparm;
  /*
   Function internal path.
   */
  uint8_t internal_path[4];
  /*
   Sizes of the BARs as powers of two, 0 for none.
   */
  uint8_t bar_size_log2[6];
  /*
   Whether there is a utility string.
   */
  bool has_utility_string;
  /*
   Zero.
   */
  uint8_t reserved;
  /*
   The BARs as the configuration space has them, without addresses; little-endian bytes.
   */
  uint8_t bars[6][4];
  /*
   Utility string, in EBCDIC.
   */
  uint8_t utility_string[64];
};

/*
 The modes of the eight interruption subclasses of a guest.
 */
struct zpci_suppression {
  uint8_t opaque[ZPCI_SUPPRESSION_SIZE];
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/*
 Answers CLP with a block: a copy of the `length` bytes of guest storage from the address in R2 on, 8192 or as many as there
 are. `processor` is the selector of the logical processor in the instruction (M4).

 # Safety

 `commands` has as many initialised slots as it says, groups that were initialised, characteristics, and a function that does
 as it says; nobody else uses them meanwhile. `block` has `length` bytes, which nobody else uses meanwhile: never guest storage
 itself, where the guest's processors store at any time, nor what the function of `commands` touches. There is storage for the
 reply. What has no elements, or is not there, may be NULL.
 */
void zpci_clp(const struct zpci_commands *commands,
              uint8_t processor,
              uint8_t *block,
              size_t length,
              struct zpci_reply *reply);

/*
 Answers CLP without a block: `command` is the value in R2, and `r1` gets that of R1 if the condition code is 0. Nothing is
 copied back.

 # Safety

 `commands` is as for `zpci_clp()`; there is storage for `r1` and for the reply.
 */
void zpci_clp_immediate(const struct zpci_commands *commands,
                        uint64_t command,
                        uint64_t *r1,
                        struct zpci_reply *reply);

/*
 Makes the event that the function `id`, which has `handle`, comes or goes: `code` is `ZPCI_AVAILABILITY_*`. `event` gets its
 32 bytes.

 # Safety

 `event` is storage for 32 bytes.
 */
void zpci_availability_event(uint32_t handle,
                             uint32_t id,
                             uint16_t code,
                             uint8_t *event);

/*
 Answers a request for an event in `block`, a copy that goes back into the guest, with `event`, NULL for none, and whether
 there are `more`. `content` is `ZPCI_EVENT_*`. False, and nothing is written, if the request does not ask for events of PCI
 functions, or there is no such content.

 A guest asks when it is told by a channel report, and then until there is no more: a report is due for each event that
 waits alone.

 # Safety

 `block` has 112 bytes, a copy of those of the page that the guest gave, which nobody else uses meanwhile; `event` is NULL or
 has 32 bytes.
 */
bool zpci_event_answer(uint8_t *block,
                       uint8_t content,
                       const uint8_t *event,
                       bool more);

/*
 Makes a function that is disabled and has `handle`; false if the window has no whole page or there are no such rules.

 # Safety

 `function` is storage for one, `configuration` a configuration.
 */
bool zpci_function_init(struct zpci_function *function,
                        uint32_t handle,
                        const struct zpci_function_configuration *configuration);

/*
 Enables the function, which has `handle` from now on: what SET PCI FN was confirmed with.

 # Safety

 `function` was initialised and is used by nobody else meanwhile.
 */
void zpci_function_enable(struct zpci_function *function, uint32_t handle);

/*
 Disables the function, which has `handle` from now on. The VMM unmaps everything.

 # Safety

 As for `zpci_function_enable()`.
 */
void zpci_function_disable(struct zpci_function *function, uint32_t handle);

/*
 The state of the function: `ZPCI_STATE_*`. Loads and stores are for the VMM to refuse by it.

 # Safety

 `function` was initialised and is changed by nobody meanwhile.
 */
uint8_t zpci_function_state(const struct zpci_function *function);

/*
 Number of RPCITs as a measurement block counts them: what `zpci_measured` has as refreshes.

 # Safety

 As for `zpci_function_state()`.
 */
uint64_t zpci_function_refreshes(const struct zpci_function *function);

/*
 Puts the function in error for the event `code` at the I/O virtual address `address`; `event` gets its 32 bytes.

 # Safety

 As for `zpci_function_enable()`; `event` is storage for 32 bytes.
 */
void zpci_function_fail(struct zpci_function *function, uint16_t code, uint64_t address, uint8_t *event);

/*
 MPCIFC with `r1` and the FIB that was copied from `address`; `function` is that with the handle in the upper half of `r1`,
 NULL if there is none.

 # Safety

 As for `zpci_function_enable()`; `fib` has 80 bytes, a copy of the guest's that nobody changes meanwhile, and there is
 storage for the answer and the effect.
 */
void zpci_mpcifc(struct zpci_function *function,
                 uint64_t r1,
                 uint64_t address,
                 const uint8_t *fib,
                 struct zpci_answer *answer,
                 struct zpci_effect *effect);

/*
 Takes back the MPCIFC that `zpci_mpcifc()` answered last: the VMM cannot do what its effect asks for. `answer`, which that
 function wrote, becomes condition code 1 with `status`: 4 if a resource is not available, 16 if there is not enough of it.

 The function is as if the instruction had not been issued, but for an error that happened meanwhile. What the VMM did for it,
 it undoes; what was unmapped of a registration that holds again is mapped by `zpci_function_refresh_all()`, or without
 translation as for `ZPCI_EFFECT_REGISTERED`. To be called before the guest goes on: after an MPCIFC of another processor
 nothing is taken back.

 # Safety

 As for `zpci_function_enable()`; `answer` is an answer.
 */
void zpci_mpcifc_take_back(struct zpci_function *function,
                           uint8_t status,
                           struct zpci_answer *answer);

/*
 STPCIFC with `r1` for the address `address`; true if `fib`, 80 bytes, is to be copied there. `function` is as for
 `zpci_mpcifc()`; as `ZPCI_RULES_QEMU` it is found by the low halfword of the handle alone.

 # Safety

 As for `zpci_function_enable()`; there is storage for 80 bytes, not the guest's, and for the answer.
 */
bool zpci_stpcifc(struct zpci_function *function,
                  uint64_t r1,
                  uint64_t address,
                  uint8_t *fib,
                  struct zpci_answer *answer);

/*
 RPCIT with `r1` and, of the registers `r2` and `r2` + 1, the values `start` and `length`; true if there is more to do:
 call `zpci_rpcit_proceed()` with `pending`. `function` is as for `zpci_mpcifc()`.

 # Safety

 As for `zpci_function_enable()`; there is storage for `pending` and for the answer.
 */
bool zpci_rpcit(struct zpci_function *function,
                uint64_t r1,
                uint8_t r2,
                uint64_t start,
                uint64_t length,
                struct zpci_pending *pending,
                struct zpci_answer *answer);

/*
 Begins a refresh of everything that is registered, of the VMM's own; true if there is something to do: call
 `zpci_rpcit_proceed()` with `pending`. The answer that it ends with is the VMM's, but for an event in it, which the guest
 gets.

 It brings back what was unmapped because of an error, and ends what the guest took back since, when `ZPCI_EFFECT_RESET` says
 that DMA may go on; the guest neither registers nor refreshes anew. QEMU does not look at the tables there. With any answer but
 condition code 0 not all is mapped: 2 if something came in between, and it is begun again; status 40 if the function is in
 error or blocked again; status 16 if the host can map no more, and then `zpci_mpcifc_take_back()` with 16 takes the reset
 back. False also for a function without translation.

 # Safety

 As for `zpci_function_enable()`; there is storage for `pending`.
 */
bool zpci_function_refresh_all(struct zpci_function *function,
                               struct zpci_pending *pending);

/*
 Goes on with an RPCIT for about `budget` entries that are read and pages that are mapped or unmapped; true if there is
 more to do.

 # Safety

 `function` was initialised and is used by nobody else meanwhile, nor by what `host` calls; `pending` is what
 `zpci_rpcit()` or `zpci_function_refresh_all()` wrote for it. `host` has all functions, and they do as it says. There is
 storage for the answer.
 */
bool zpci_rpcit_proceed(struct zpci_function *function,
                        struct zpci_pending *pending,
                        const struct zpci_host *host,
                        uint64_t budget,
                        struct zpci_answer *answer);

/*
 Makes an empty set of groups.

 # Safety

 `groups` is storage for one.
 */
void zpci_groups_init(struct zpci_groups *groups);

/*
 Adds a group that is known as `origin` where it comes from; `id` gets the identifier by which the guest knows it. False if
 there is no place, or no such group.

 # Safety

 `groups` was initialised and is used by nobody else meanwhile; the others are what their types say.
 */
bool zpci_groups_add(struct zpci_groups *groups,
                     uint8_t origin,
                     const struct zpci_group_values *values,
                     const struct zpci_virtualization *virtualization,
                     uint8_t *id);

/*
 Writes a block of format 0 with `length` bytes, by stores of doublewords at offsets in bytes in an order by which no guest
 takes a half of it for whole. False if a store failed, which is the last; the guest gets an event 0x2a then.

 # Safety

 `measured` are counters, and `store` does as it says with `opaque`.
 */
bool zpci_measurement_write(const struct zpci_measured *measured,
                            uint16_t length,
                            void *opaque,
                            bool (*store)(void *opaque, uint16_t offset, uint64_t value));

/*
 Makes an empty slot.

 # Safety

 `slot` is storage for one.
 */
void zpci_slot_clear(struct zpci_slot *slot);

/*
 Puts a configured function with `handle` into a slot; false if there is no such function, and the slot is empty then.

 # Safety

 `slot` is storage for one, and `values` are values.
 */
bool zpci_slot_init(struct zpci_slot *slot, uint32_t handle, const struct zpci_function_values *values);

/*
 The function in the slot has `handle` from now on, and is `configured` or in standby.

 # Safety

 `slot` was initialised and is used by nobody else meanwhile.
 */
void zpci_slot_set_handle(struct zpci_slot *slot, uint32_t handle, bool configured);

/*
 Makes the modes of a guest that was just reset: every interruption is presented.

 # Safety

 `suppression` is storage for them.
 */
void zpci_suppression_init(struct zpci_suppression *suppression);

/*
 SIC with `r1` and `r3`; 0 if it is done, with condition code 0, or the code of a program interruption.

 # Safety

 `suppression` was initialised and is used by nobody else meanwhile.
 */
uint16_t zpci_sic(struct zpci_suppression *suppression, uint64_t r1, uint64_t r3);

/*
 Takes note of an adapter interruption of `subclass`, 0 to 7; whether the guest gets it.

 # Safety

 As for `zpci_sic()`.
 */
bool zpci_suppression_present(struct zpci_suppression *suppression, uint8_t subclass);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ZPCI_VMM_H */
