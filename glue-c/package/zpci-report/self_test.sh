# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
# shellcheck shell=sh
#
# The self-test of the function that `choose` has chosen.

drivers=$root/sys/bus/pci
# Set once the function may not be as it was.
touched=
slot=
driver=
disk_count=0

# Half seconds that something may take. Files that stand for sysfs do not change by themselves.
patience=60
[ -z "$root" ] || patience=2

# Waits until "$@" succeeds.
until_it() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt $patience ] || return 1
		sleep 0.5
	done
}

# udev reads every disk that appears or was opened for writing.
settle() {
	[ -n "$root" ] || ! command -v udevadm >/dev/null 2>&1 || udevadm settle --timeout=10
}

# Not the shell's own printf, which does not say why a write fails. Says where it was, too.
put() {
	why=$(env printf %s "$1" 2>&1 >"$2") || { echo "${2##*/}: $why" >&2; return 1; }
}

bytes_of() {
	sectors=$(cat "$root/sys/class/block/$1/size") || return 1
	# Of 512 bytes, whatever the disk has. All of the first 16 MiB, if there are so many.
	[ "$sectors" -lt 32768 ] || sectors=32768
	echo $((sectors * 512))
}

# Prints a check sum of the first 16 MiB of each disk, by DMA and not from the page cache. Fails if one cannot be read.
read_disks() {
	for name in $(disks); do
		wanted=$(bytes_of "$name") || return 1
		dd if="$root/dev/$name" bs=128k count=128 iflag=direct 2>"$scratch/dd" | cksum >"$scratch/sum"
		read -r sum count <"$scratch/sum"
		if [ "$wanted" = 0 ] || [ "$count" != "$wanted" ]; then
			echo "$name: ${count:-0} of $wanted bytes could be read: $(tail -n 1 "$scratch/dd")"
			return 1
		fi
		echo "$sum"
	done
}

# Whether the function is there, with the driver and the disks that it had.
whole() {
	[ -e "$device" ] && [ "$(driver_of "$device")" = "$driver" ] && [ "$(disks | wc -l)" = "$disk_count" ]
}

is_on() {
	[ -z "$slot" ] || [ "$(cat "$slot/power" 2>/dev/null)" = 1 ]
}

# Gives the function back its power and its driver, and says how if that fails.
restore() {
	[ -n "$touched" ] || return 0
	is_on || until_it put 1 "$slot/power" 2>/dev/null
	until_it whole && return 0
	if [ -e "$device" ] && [ -z "$(driver_of "$device")" ]; then
		put "$address" "$drivers/drivers/$driver/bind" 2>/dev/null || put "$address" "$drivers/drivers_probe" 2>/dev/null
	fi
	until_it whole && return 0
	if [ -n "$slot" ] && [ ! -e "$slot/power" ]; then
		echo "$address is not here any more: another LPAR may have taken it while it was off"
		return 1
	fi
	echo "$address is not as it was. What brings it back:"
	[ -z "$slot" ] || echo "  echo 1 >$slot/power"
	echo "  echo $address >$drivers/drivers/$driver/bind"
	return 1
}

# Adds a line to the result, which is no file: one that is full would lose what failed.
say() {
	result="$result
$*"
}

not_ok() {
	say "not ok: $*"
	failed=1
}

# Does "$2" and following, and looks whether all is as it was. Does nothing if somebody has begun to use the function, as a
# system that mounts what appears.
step() {
	doing=$1
	shift
	if ! until_it unused; then
		not_ok "$doing: left out, it is in use now: $(printf %s "$reason" | tr '\n' ';')"
		return
	fi
	# Not in a subshell, for the traps.
	if ! "$@" >"$scratch/said" 2>&1; then
		not_ok "$doing: $(cat "$scratch/said")"
		restore >/dev/null
		return
	fi
	if ! until_it whole; then
		not_ok "$doing: the function does not have its driver and its disks after $((patience / 2)) s"
		restore >/dev/null
		return
	fi
	settle
	if ! after=$(read_disks); then
		not_ok "$doing: $after"
	elif [ "$after" != "$before" ]; then
		not_ok "$doing: the first 16 MiB of a disk are not what they were"
	else
		say "ok: $doing"
	fi
}

rebind() {
	put "$address" "$device/driver/unbind" && put "$address" "$drivers/drivers/$driver/bind"
}

# Each function has a slot of its own, whose name is its identifier (Linux, arch/s390/include/asm/pci.h).
slot_of_it() {
	name=$(cat "$device/function_id") || return 1
	slot=$root/sys/bus/pci/slots/${name#0x}
	[ -e "$slot/power" ] || slot=
}

power_cycle() {
	put 0 "$slot/power" && put 1 "$slot/power" && until_it test -e "$device"
}

# Whether the log has nothing bad that it did not have in $scratch/log.before. Says what it has, or why that is not known.
no_trouble() {
	kernel_log >"$scratch/log.after" || { echo "the log of the kernel cannot be read again"; return 1; }
	new=$(awk 'FILENAME == ARGV[1] { before[$0] = 1; next } !($0 in before)' "$scratch/log.before" "$scratch/log.after") ||
		{ echo "the logs of the kernel cannot be compared"; return 1; }
	bad=$(printf '%s\n' "$new" | grep -E 'WARNING|BUG:|Oops|Call Trace|zpci.*(refused|failed|error)')
	case $? in
	0) echo "the kernel has said something, see its log: $bad" && return 1 ;;
	1) ;;
	*) echo "the log of the kernel cannot be searched" && return 1 ;;
	esac
	[ -s "$scratch/log.before" ] || return 0
	last=$(tail -n 1 "$scratch/log.before")
	grep -qFx -e "$last" "$scratch/log.after" ||
		{ echo "the log of the kernel no longer has what was said before"; return 1; }
}

# Tests the function. `result` is what came of it, a line each.
self_test() {
	result=
	failed=0
	driver=$(driver_of "$device")
	disk_count=$(disks | wc -l)
	slot_of_it || { not_ok "cannot read its identifier"; return 1; }
	say "driver: $driver, disks: $disk_count"
	kernel_log >"$scratch/log.before" 2>/dev/null || { not_ok "cannot read the log of the kernel"; return 1; }
	before=$(read_disks) || { not_ok "read: $before"; return 1; }
	# Who stops it would leave the function off.
	trap '' TSTP TTIN TTOU
	touched=1
	step 'read again' true
	if [ -w "$device/reset" ]; then
		step reset put 1 "$device/reset"
	else
		say "left out: the kernel knows no reset of this function"
	fi
	step 'unbind and bind' rebind
	if [ -n "$slot" ]; then
		step 'power off and on' power_cycle
	else
		not_ok "power off and on: it has no slot"
	fi
	how=$(restore 2>&1) || { failed=1 && say "$how"; }
	touched=
	if trouble=$(no_trouble 2>&1); then
		say "ok: the kernel says nothing bad of it"
	else
		not_ok "$trouble"
	fi
	return $failed
}

result_of_test() {
	title "self-test of $address"
	printf '%s\n' "${result#?}"
}
