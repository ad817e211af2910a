// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What `zpci_report` prints of the log of the kernel.

use std::path::Path;
use std::process::Command;

use super::mock::Mock;
use super::SCRIPT;

/// A log, `+` before what is printed of it.
fn assert_printed(log: &str) {
    let mock = Mock::new();
    let lines: Vec<(bool, &str)> = log.lines().map(|line| (line.starts_with('+'), &line[1..])).collect();
    mock.file("dmesg", &lines.iter().map(|(_, line)| format!("{line}\n")).collect::<String>());
    let text = mock.report(&[]);
    let (_, found) = text.split_once("== log of the kernel\n").unwrap();
    let expected: Vec<&str> = lines.iter().filter(|(printed, _)| *printed).map(|(_, line)| *line).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

/// A message of trouble has no trace, or others write before it.
#[test]
fn what_is_between_a_bug_and_its_trace_is_left_out() {
    assert_printed(
        "+[0.0] Linux version 7.3.4-zpci
+[0.4] BUG: Bad rss-counter state mm:00000000a1 type:MM_FILEPAGES val:1
+[0.4] BUG: non-zero pgtables_bytes on freeing mm: 2048
-[0.5] Unknown kernel command line parameters \"rd.luks.key=s3cret gate=vg_payroll\", will be passed to user space.
-[0.6] Run /opt/payroll as init process
-[0.6]   with environment:
-[0.6]     gate=vg_payroll
+[0.6] zpci: added
-[0.6]     pcigate=vg_payroll
-[0.7] EXT4-fs (dm-3): mounted payroll
-[0.7]  dasda:PAYR01/  0X5E5B: dasda1
-[0.8] payroll
-[9.0] systemd[1]: Mounting /srv/payroll...
-[9.1] audit: acct=\"jsmith\" exe=\"/usr/sbin/sshd\" addr=10.1.2.3
-[9.2] useradd[99]: new user: name=mmueller
+[9.3] ------------[ cut here ]------------
-[9.3] audit: payroll
-[9.3] sshd[99]: payroll
-[9.3] mount.sh: payroll
+[9.3] refcount_t: underflow; use-after-free.
-[9.3] payroll
+[9.3] WARNING: CPU: 0 PID: 1 at lib/refcount.c:1 foo+0x1/0x2
-[9.3] sshd[99]: payroll
-[9.3] payroll
+[9.3] Modules linked in: xfs
+[9.3] Krnl Code: 000003ffe0123450: 0a1b          unknown
+           #000003ffe0123452: af000000          mc      0,0
-[9.3] sshd[99]: of several lines
-             payroll
+[9.3] Call Trace:
-[9.3] audit: payroll
+[9.3]  [<000003ffe0123456>] foo+0x1/0x2
+[9.3] ---[ end trace 0000000000000000 ]---
+[9.4] ------------[ cut here ]------------
+[9.4] foo_bar: what it is about
",
    );
}

#[test]
fn a_program_begins_no_trouble() {
    assert_printed(
        "+[0.0] Linux version 7.3.4-zpci
-[1.0] payrolld[77]: BUG: no such account
-[1.0] CPU: payroll
-[1.1] payrolld: BUG: no such account
-[1.1] CPU: payroll
-[1.2] Web Content[77]: ------------[ cut here ]------------
-[1.2] CPU: payroll
",
    );
}

#[test]
fn reports_of_the_kernel_are_whole() {
    assert_printed(
        "+[0.0] Linux version 7.3.4-zpci
-[0.1] ======================================================
+[0.1] WARNING: possible circular locking dependency detected
+[0.1] 7.3.4-zpci #1 Not tainted
+[0.1] ------------------------------------------------------
+[0.1] swapper/0/1 is trying to acquire lock:
+[0.1] 00000000a1 (&zdev->lock){+.+.}-{4:4}, at: zpci_x+0x1/0x2
+[0.1] 
-[0.1] audit: payroll
+[0.1] but task is already holding lock:
+[0.1] 00000000a2 (&b){+.+.}-{4:4}, at: zpci_x+0x1/0x2
+[0.1] which lock already depends on the new lock.
+[0.1] the existing dependency chain (in reverse order) is:
+[0.1] -> #1 (&b){+.+.}-{4:4}:
+[0.1]        lock_acquire+0x1/0x2
+[0.1] other info that might help us debug this:
+[0.1]  Possible unsafe locking scenario:
+[0.1]        CPU0                    CPU1
+[0.1]        ----                    ----
+[0.1]   lock(&b);
+[0.1]                                lock(&zdev->lock);
+[0.1]  *** DEADLOCK ***
+[0.1] 1 lock held by swapper/0/1:
+[0.1]  #0: 00000000a2 (&b){+.+.}-{4:4}, at: zpci_x+0x1/0x2
+[0.1] stack backtrace:
+[0.1] Call Trace:
+[0.1]  [<000003ffe0123458>] last+0x1/0x2
+[1.0] BUG: KASAN: slab-use-after-free in foo+0x1/0x2
+[1.0] Read of size 8 at addr 0000000012345678 by task swapper/0/1
-[1.0] sshd[99]: payroll
-[1.0] payroll
+[1.0] CPU: 0 UID: 0 PID: 1 Comm: swapper/0 Not tainted
+[1.0] Hardware name: IBM 3931 A01 704 (LPAR)
+[1.0] Call Trace:
+[1.0]  foo+0x1/0x2
+[1.0] Freed by task 7:
+[1.0]  kfree+0x1/0x2
+[1.0] The buggy address belongs to the object at 0000000012345678
+[1.0]  which belongs to the cache kmalloc-64 of size 64
+[1.0] The buggy address is located 16 bytes inside of
+[1.0]  freed 64-byte region [0000000012345678, 00000000123456b8)
+[1.0] The buggy address belongs to the physical page:
+[1.0] page: refcount:0 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x12345
+[1.0] flags: 0x3fffe0000000000(node=0|zone=1)
+[1.0] raw: 03fffe0000000000 0000000080101640
+[1.0] page dumped because: kasan: bad access detected
+[1.0] Memory state around the buggy address:
+[1.0]  0000000012345600: fa fb fb fb fc fc fc fc
+[1.0] >0000000012345680: fa fb fb fb fc fc fc fc
+[1.0]                          ^
+[1.0] ==================================================================
+[2.0] specification exception: 0006 ilc:3 [#1]SMP 
+[2.0] Krnl PSW : 0704c00180000000 000003ffe0123456 (foo+0x1/0x2)
+[2.0]            0000000000000000 000003ffe0123456 0000000000001234 00000000000000ff
+[2.0] Kernel panic - not syncing: Fatal exception: panic_on_oops
+[3.0] rcu: INFO: rcu_sched self-detected stall on CPU
+[3.0] rcu: \t1-....: (2100 ticks this GP) idle=1
+[3.0] \t(t=2100 jiffies g=1 q=1)
+[4.0] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:1:77]
+[4.1] BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 30s!
+[4.1] Showing busy workqueues and worker pools:
+[4.1] workqueue events: flags=0x0
+[4.1]   pwq 2: cpus=1 node=0 flags=0x0 nice=0 active=1 refcnt=2
+[4.1]     in-flight: 7:zpci_work
+[4.2] BUG: KFENCE: use-after-free read in foo+0x1/0x2
+[4.2] Use-after-free read at 0x0000000012345678 (in kfence-#69):
+[4.2] kfence-#69: 0x0000000012345678-0x0000000012345697, size=32, cache=kmalloc-32
+[4.3] BUG: KCSAN: data-race in foo / bar
+[4.3] write to 0x0000000012345678 of 8 bytes by task 7 on cpu 1:
+[4.3] value changed: 0x0000000000000001 -> 0x0000000000000002
+[4.4] BUG: KMSAN: uninit-value in foo+0x1/0x2
+[4.4] Uninit was created at:
+[4.4] Bytes 0-3 of 8 are uninitialized
+[4.5] BUG: sleeping function called from invalid context at mm/slab.h:1
+[4.5] in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 7, name: kworker
+[4.5] preempt_count: 1, expected: 0
+[4.6] WARNING: suspicious RCU usage
+[4.6] next-20261130 #1 Not tainted
+[4.6] arch/s390/kernel/x.c:1 suspicious rcu_dereference_check() usage!
+[4.6] rcu_scheduler_active = 2, debug_locks = 1
+[5.0] INFO: task kworker/1:1:77 blocked for more than 122 seconds.
+[5.0]       Not tainted 7.3.4 #1
+[5.0] task:kworker/1:1     state:D stack:0     pid:77
",
    );
}

/// Runs `kernel_log` or what else is in the part `log.sh`, of this system and not below a directory.
fn part_of_the_log(mock: &Mock, command: &str, plain: &str) -> String {
    let part = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SCRIPT).with_file_name("zpci-report/log.sh");
    let script = format!("root= plain={plain} scratch={}\n. {}\n{command}", mock.path("tmp").display(), part.display());
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).env("PATH", format!("{}:{path}", mock.path("bin").display()));
    String::from_utf8(shell.output().unwrap().stdout).unwrap()
}

/// The kernel knows which lines are its own; so does the journal.
#[test]
fn the_log_is_asked_for_what_the_kernel_says() {
    let mock = Mock::new();
    let own = "#!/bin/sh\n[ \"$*\" = -k ] || echo 'word of a program: nvme'\necho '[1.0] zpci: 1'\n";
    mock.program("dmesg", own);
    assert_eq!(part_of_the_log(&mock, "kernel_log", ""), "[1.0] zpci: 1\n");
    assert_eq!(part_of_the_log(&mock, "kernel_log", "1"), "word of a program: nvme\n[1.0] zpci: 1\n");

    let journal = "#!/bin/sh\necho '[    0.000000] kernel: Linux version 7.3.4-zpci'\n\
                   echo '[    0.100000] kernel: Krnl Code: 0a1b'\necho '             continued, pci'\n\
                   echo '[    0.200000] hook of nvme: payroll'\necho '             payroll, pci'\n";
    mock.program("journalctl", journal);
    let of_it = "whole_log; lines_of_interest <$scratch/log";
    assert_eq!(
        part_of_the_log(&mock, of_it, ""),
        "[    0.000000] Linux version 7.3.4-zpci\n             continued, pci\n"
    );
    assert!(part_of_the_log(&mock, of_it, "1").contains("\n[    0.200000] hook of nvme: payroll\n"));

    // One that cannot tell.
    let other = "#!/bin/sh\n[ $# = 0 ] || exit 1\necho '[1.0] zpci: 2'\n";
    mock.program("dmesg", other);
    assert_eq!(part_of_the_log(&mock, "kernel_log", ""), "[1.0] zpci: 2\n");
}

#[test]
fn a_log_that_cannot_be_searched_is_said_to_be_none() {
    let mock = Mock::new();
    mock.program("awk", "#!/bin/sh\nexit 127\n");
    let output = mock.run(&[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, missing) = text.split_once("== what could not be read\n").unwrap_or_else(|| panic!("{text}"));
    assert!(missing.contains("the log of the kernel could not be searched: awk failed\n"), "{text}");
    assert_eq!(output.status.code(), Some(3));
}
