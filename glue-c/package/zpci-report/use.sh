# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
# shellcheck shell=sh
#
# Who uses the function of a self-test. What cannot be looked at counts as in use.

# Takes the function at $1 for the one of the self-test.
choose() {
	address=$1
	device=$functions/$address
	case $address in
	*/* | .*) fail "$address is no address of a function" ;;
	esac
	[ -e "$device" ] || fail "there is no function $address; they are: $(ls "$functions" | tr '\n' ' ')"
	real=$(readlink -f "$device") || fail "cannot resolve $device"
}

driver_of() {
	readlink "$1/driver" 2>/dev/null | sed 's|.*/||'
}

# The devices of the class $1 that are below the function, as sysfs names them.
below() {
	for link in "$root/sys/class/$1"/*; do
		case $(readlink -f "$link") in
		"$real"/*) echo "${link##*/}" ;;
		esac
	done
}

# The names of the function's disks. One of several paths to an NVMe namespace is nvme0c1n1, hidden; its disk, nvme0n1.
disks() {
	for name in $(below block); do
		[ -e "$root/sys/class/block/$name/partition" ] ||
			printf '%s\n' "$name" | sed -E 's/^(nvme[0-9]+)c[0-9]+(n[0-9]+)$/\1\2/'
	done | sort -u
}

# The disk $1 and its partitions.
with_partitions() {
	echo "$1"
	for partition in "$root/sys/class/block/$1"/*/partition; do
		[ -e "$partition" ] || continue
		partition=${partition%/partition}
		echo "${partition##*/}"
	done
}

# Prints a line for each reason not to touch the function; nothing if nobody uses it.
uses() {
	[ -d "$real" ] || echo "it is gone"
	# Processes of other namespaces are not to be seen from within one.
	case $(readlink "$root/proc/self/ns/pid") in
	'pid:[4026531836]') ;;
	# A kernel without such namespaces has others, such as this one.
	'') [ -L "$root/proc/self/ns/mnt" ] || echo "cannot read which processes can be seen from here" ;;
	*) echo "not all processes can be seen from here: this is a container" ;;
	esac
	for directory in sys/class/block sys/class/net proc/1/fd; do
		ls "$root/$directory" >/dev/null 2>&1 || echo "cannot read /$directory"
	done
	use_of_driver
	use_of_networks
	use_of_controllers
	for disk in $(disks); do
		use_of_disk "$disk"
	done
	use_of_nodes
	for disk in $(disks); do
		exclusive "$disk"
	done
}

# These drivers are known: what their devices are used for shows. Of another one nobody knows here.
use_of_driver() {
	name=$(driver_of "$device")
	case $name in
	# One that the kernel finds for it when it is powered on would have it afterwards.
	'') echo "no driver has it: bind the one that it is for" ;;
	nvme | mlx5_core) ;;
	virtio-pci)
		for child in "$real"/virtio*; do
			[ -e "$child" ] || continue
			case $(driver_of "$child") in
			'' | virtio_net | virtio_blk | virtio_scsi) ;;
			*) echo "$(driver_of "$child") has it, whose users cannot be told" ;;
			esac
		done
		;;
	*vfio*) echo "$name has it, for a guest or another program" ;;
	*) echo "$name has it, whose users cannot be told" ;;
	esac
	if [ -e "$device/sriov_numvfs" ]; then
		number=$(cat "$device/sriov_numvfs" 2>/dev/null)
		[ "$number" = 0 ] || echo "it has ${number:-an unknown number of} virtual functions"
	fi
	for part in "$real"/virtfn* "$real"/infiniband "$real"/mlx5_core.sf.* "$real"/vdpa*; do
		[ -e "$part" ] && echo "it has ${part##*/}, whose users cannot be told"
	done
	return 0
}

use_of_networks() {
	networks=$(below net)
	for name in $networks; do
		net=$root/sys/class/net/$name
		flags=$(cat "$net/flags" 2>/dev/null)
		case $flags in
		0x*[!0-9a-fA-F]* | 0x) echo "cannot read the flags of $name" ;;
		# IFF_UP
		0x*) [ $((flags & 1)) = 0 ] || echo "$name is up" ;;
		*) echo "cannot read the flags of $name" ;;
		esac
		for other in "$net"/master "$net"/upper_*; do
			[ -e "$other" ] || [ -L "$other" ] || continue
			echo "$name belongs to $(basename "$(readlink -f "$other")")"
		done
	done
	case $(driver_of "$device"),$(cat "$device/class" 2>/dev/null),$networks in
	,* | *,0x0[013-9a-f]*,* | *,0x[1-9a-f]*,*) ;;
	*,0x02*,?*) ;;
	*,0x02*,) echo "it has no network here: it may be in another network namespace" ;;
	*) echo "cannot read what class it is of" ;;
	esac
}

# An NVMe target hands a whole controller on, and keeps no file of it open.
use_of_controllers() {
	for file in "$root"/sys/kernel/config/nvmet/subsystems/*/passthru/device_path; do
		[ -e "$file" ] || continue
		handed=$(cat "$file" 2>/dev/null) || echo "cannot read ${file#"$root"}"
		handed=$(readlink -f "$root$handed")
		for controller in $(below nvme); do
			[ "$handed" = "$root/dev/$controller" ] && echo "$controller is used by ${file#"$root"}"
		done
	done
	return 0
}

# Mounts of all namespaces, as major:minor.
mounted() {
	cat "$root"/proc/[0-9]*/mountinfo 2>/dev/null | cut -d' ' -f3 | sort -u
}

# What the kernel itself uses, and says so.
use_of_disk() {
	[ -e "$root/sys/class/block/$1" ] || echo "there is no disk $1"
	mounted >"$scratch/mounted"
	[ -s "$scratch/mounted" ] || echo "cannot read what is mounted"
	for name in $(with_partitions "$1"); do
		block=$root/sys/class/block/$name
		number=$(cat "$block/dev" 2>/dev/null) || echo "cannot read the number of $name"
		grep -qx "$number" "$scratch/mounted" && echo "$name is mounted"
		grep -q "^/dev/${name}[[:space:]]" "$root/proc/swaps" 2>/dev/null && echo "$name is swapped to"
		for holder in "$block"/holders/*; do
			[ -e "$holder" ] && echo "$name is held by ${holder##*/}"
		done
		# These keep a file open that no process has.
		for file in "$root"/sys/block/loop*/loop/backing_file "$root"/sys/kernel/config/target/core/*/*/udev_path \
			"$root"/sys/kernel/config/nvmet/subsystems/*/namespaces/*/device_path; do
			[ -e "$file" ] || continue
			backing=$(cat "$file" 2>/dev/null) || echo "cannot read ${file#"$root"}"
			[ "$(readlink -f "$root$backing")" = "$root/dev/$name" ] && echo "$name is used by ${file#"$root"}"
		done
	done
	return 0
}

# The character devices of the disk $1. That of an NVMe namespace with several paths is not below the function.
generic() {
	case $1 in
	nvme*) echo "ng${1#nvme}" ;;
	esac
}

# Device nodes of the function and of its disks, as `stat` says them: major:minor in hexadecimal.
nodes() {
	{
		find "$real/" -name dev -type f -exec cat {} +
		for disk in $(disks); do
			find "$root/sys/class/block/$disk/" -name dev -type f -exec cat {} +
			for name in $(generic "$disk"); do
				[ ! -e "$root/sys/class/nvme-generic/$name" ] || cat "$root/sys/class/nvme-generic/$name/dev"
			done
		done
	} | sort -u | while IFS=: read -r major minor; do
		printf '%x:%x\n' "$major" "$minor"
	done
}

# Names of the same nodes below /dev.
names_of_nodes() {
	find "$real/" -name uevent -type f -exec sed -n 's/^DEVNAME=//p' {} + 2>/dev/null
	for disk in $(disks); do
		with_partitions "$disk"
		generic "$disk"
	done
}

process() {
	printf 'process %s (%s)' "$1" "$(cat "$root/proc/$1/comm" 2>/dev/null)"
}

# A process that ended meanwhile is no trouble; anything else that could not be looked at is.
unseen() {
	grep -vE 'No such (file or directory|process)' "$scratch/unseen" | head -n 3 | sed 's/^/cannot look at all processes: /'
}

# Processes that have a device node or a file in sysfs of the function open, or mapped.
use_of_nodes() {
	nodes >"$scratch/nodes" 2>"$scratch/unseen" || echo "cannot find its device nodes"
	find -L "$root"/proc/[0-9]*/fd -mindepth 1 -maxdepth 1 \( -type b -o -type c \) -exec stat -L -c '%t:%T %n' {} + \
		>"$scratch/open" 2>>"$scratch/unseen"
	find "$root"/proc/[0-9]*/fd -mindepth 1 -maxdepth 1 -lname "$real/*" -print 2>>"$scratch/unseen" |
		sed 's/^/sysfs /' >>"$scratch/open"
	echo sysfs >>"$scratch/nodes"
	while read -r node file; do
		grep -qx "$node" "$scratch/nodes" || continue
		file=${file#"$root"/proc/}
		echo "$(process "${file%%/*}") has it open"
	done <"$scratch/open" | sort -u
	names=$(names_of_nodes | sort -u | paste -s -d'|' -)
	grep -lE " ($real/.*|/dev/(${names:-none}))\$" "$root"/proc/[0-9]*/maps 2>>"$scratch/unseen" | while read -r file; do
		file=${file#"$root"/proc/}
		echo "$(process "${file%%/*}") has it mapped"
	done
	unseen
}

# Opens the disk as its only user, which fails if anything holds it: a mount in whatever namespace, swap, device mapper, RAID,
# a pool of disks. So opens wipefs, without --force (util-linux, misc-utils/wipefs.c). It finds nothing of a type that there is
# not (whose name must not begin with `no`, which means all others), and has nothing to erase: otherwise even with --no-act it
# has the kernel read the partition table again.
exclusive() {
	message=$(wipefs --no-act --all --types zpci-report "$root/dev/$1" 2>&1 >/dev/null) ||
		echo "$1 cannot be had alone: $(printf %s "$message" | head -n 1)"
}
