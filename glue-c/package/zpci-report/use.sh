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

# Prints a line for each reason not to touch the function, and then `looked`. All that is found on the way is kept in variables:
# a file system that is full would make nothing of a reason.
uses() {
	[ -d "$real" ] || echo "it is gone"
	# Processes of other namespaces are not to be seen from within one.
	case $(readlink "$root/proc/self/ns/pid") in
	'pid:[4026531836]') ;;
	# A kernel without such namespaces has others, such as this one.
	'') [ -L "$root/proc/self/ns/mnt" ] || echo "cannot read which processes can be seen from here" ;;
	*) echo "not all processes can be seen from here: this is a container" ;;
	esac
	for directory in sys/class/block sys/class/net proc/1/task/1/fd; do
		ls "$root/$directory" >/dev/null 2>&1 || echo "cannot read /$directory"
	done
	nodes=$(nodes 2>/dev/null) || echo "cannot find its device nodes"
	nodes=" $nodes "
	names=" $(names_of_nodes | sort -u | tr '\n' ' ')"
	mounts=$(mounted)
	[ -n "$mounts" ] || echo "cannot read what is mounted"
	use_of_driver
	use_of_networks
	use_of_machine
	for disk in $(disks); do
		use_of_disk "$disk"
	done
	kept | use_of_kept
	use_of_processes
	echo looked
}

# Whether nobody uses the function; `reason` says who does.
unused() {
	settle
	reason=$(uses)
	case $reason in
	looked) reason= ;;
	*looked) reason=${reason%?looked} ;;
	*) reason="$reason; cannot look who uses it" ;;
	esac
	# Opens disks for writing, of which udev takes note: only where nobody is known to use them.
	if [ -z "$reason" ]; then
		reason=$(for disk in $(disks); do exclusive "$disk"; done)
		settle
	fi
	[ -z "$reason" ]
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

# What the machine was started from, will be started from, or dumps to, which nobody has open.
use_of_machine() {
	own=$(cat "$device/function_id" 2>/dev/null) || echo "cannot read its identifier"
	for file in "$root"/sys/firmware/ipl/fid "$root"/sys/firmware/reipl/nvme/fid "$root"/sys/firmware/dump/nvme/fid; do
		[ -e "$file" ] || continue
		# Namespaces count from 1; there is none where nothing was set.
		case $(cat "${file%fid}nsid" 2>/dev/null) in
		0x*[!0]* | '') ;;
		*) continue ;;
		esac
		other=$(cat "$file" 2>/dev/null) || echo "cannot read ${file#"$root"}"
		[ "${other#0x}" != "${own#0x}" ] || echo "${file#"$root"} names it"
	done
	# kdump mounts its disk, or writes to it, after a crash.
	[ -e "$root/etc/kdump.conf" ] || return 0
	words=$(sed 's/#.*//' "$root/etc/kdump.conf" 2>/dev/null) || echo "cannot read /etc/kdump.conf"
	printf '%s\n' "$words" | tr -d '"' | tr -s '[:blank:]' '\n' | while read -r word; do
		case $word in
		/dev/*) path=$word ;;
		UUID=*) path=/dev/disk/by-uuid/${word#*=} ;;
		LABEL=*) path=/dev/disk/by-label/${word#*=} ;;
		*) continue ;;
		esac
		[ ! -e "$root$path" ] || echo "/etc/kdump.conf $path" | use_of_kept
	done
}

# Mounts of all namespaces, of which a thread may have its own, as major:minor.
mounted() {
	cat "$root"/proc/[0-9]*/task/[0-9]*/mountinfo 2>/dev/null | cut -d' ' -f3 | sort -u
}

# What the kernel itself uses, and says so; and what the system would take for its own, and write to, when it appears again.
use_of_disk() {
	[ -e "$root/sys/class/block/$1" ] || echo "there is no disk $1"
	for name in $(with_partitions "$1"); do
		block=$root/sys/class/block/$name
		number=$(cat "$block/dev" 2>/dev/null) || echo "cannot read the number of $name"
		printf '%s\n' "$mounts" | grep -qx "$number" && echo "$name is mounted"
		grep -q "^/dev/${name}[[:space:]]" "$root/proc/swaps" 2>/dev/null && echo "$name is swapped to"
		for holder in "$block"/holders/*; do
			[ -e "$holder" ] && echo "$name is held by ${holder##*/}"
		done
		# 2 and no word: there is nothing that it knows.
		content=$(blkid -p -o export "$root/dev/$name" 2>&1)
		case $?,$content in
		0,*USAGE=raid* | 0,*TYPE=zfs_member* | 0,*TYPE=bcache*) echo "$name is part of an array, a pool or a volume group" ;;
		0,* | 2,) ;;
		*) echo "cannot tell what is on $name: $(printf %s "$content" | head -n 1)" ;;
		esac
	done
	return 0
}

# What the kernel keeps open for a user that is no process, a line each: who says so, and the path that it was given.
kept() {
	# An NVMe target hands a whole controller on, or a disk.
	for file in "$root"/sys/block/loop*/loop/backing_file "$root"/sys/kernel/config/nvmet/subsystems/*/passthru/device_path \
		"$root"/sys/kernel/config/nvmet/subsystems/*/namespaces/*/device_path; do
		[ -e "$file" ] || continue
		path=$(cat "$file" 2>/dev/null)
		[ "$path" = '(null)' ] || printf '%s %s\n' "${file#"$root"}" "$path"
	done
	for file in "$root"/sys/kernel/config/target/core/*/*/udev_path; do
		[ -e "$file" ] || continue
		case $file in */rd_mcp_*) continue ;; esac
		path=$(cat "$file" 2>/dev/null)
		# Set by whoever made it, or not; what it has open is in its description.
		[ -n "$path" ] || path=$(sed -nE 's/.*[[:space:]]File: ([^[:space:]]+).*/\1/p' "${file%udev_path}info" 2>/dev/null)
		printf '%s %s\n' "${file#"$root"}" "$path"
	done
}

# Reads lines of `kept`. A path is that of whoever gave it, who may have been in a container, where another node has the same
# number; one that leads nowhere here cannot be looked at.
use_of_kept() {
	while read -r file path; do
		if [ -z "$path" ] || ! number=$(stat -L -c '%t:%T' "$root$path" 2>/dev/null); then
			echo "cannot tell what $file names"
			continue
		fi
		name=$(readlink -f "$root$path")
		name=${name#"$root/dev/"}
		case $names in
		*" $name "*) echo "$name is used by $file" && continue ;;
		esac
		case $nodes in
		*" $number "*) echo "it is used by $file, as $path" ;;
		esac
	done
}

# The character devices of the disk $1. That of an NVMe namespace with several paths is not below the function.
generic() {
	case $1 in
	nvme*) echo "ng${1#nvme}" ;;
	esac
}

# Device nodes of the function and of its disks, as `stat` says them: major:minor in hexadecimal.
nodes() {
	numbers=$(find "$real/" -name dev -type f -exec cat {} +) || return 1
	for disk in $(disks); do
		more=$(find "$root/sys/class/block/$disk/" -name dev -type f -exec cat {} +) || return 1
		numbers="$numbers $more"
		for name in $(generic "$disk"); do
			[ -e "$root/sys/class/nvme-generic/$name" ] || continue
			more=$(cat "$root/sys/class/nvme-generic/$name/dev") || return 1
			numbers="$numbers $more"
		done
	done
	for number in $numbers; do
		printf '%x:%x ' "${number%:*}" "${number#*:}"
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

# The process whose file in /proc is $1.
process() {
	number=${1#"$root"/proc/}
	number=${number%%/*}
	printf 'process %s (%s)' "$number" "$(cat "$root/proc/$number/comm" 2>/dev/null)"
}

# Runs a command that looks at processes, of which some may end meanwhile: messages are among what it prints, and `looked` is
# the end if it looked at all.
look() {
	"$@" 2>&1
	[ $? -le 2 ] && echo looked
}

# What of $1, from `look`, says that something could not be looked at.
unseen() {
	case $1 in
	looked | *?looked) ;;
	*) echo "cannot look at all processes: $(printf %s "$1" | tail -n 1)" ;;
	esac
	printf '%s\n' "$1" | grep -E '^(find|stat|grep): ' | grep -vE 'No such (file or directory|process)' | head -n 3 |
		sed 's/^/cannot look at all processes: /'
}

# The memory of processes whose first thread has ended, while others go on: it is not to be seen in that of the process.
maps_of_threads() {
	for one in "$root"/proc/[0-9]*; do
		! { read -r _ <"$one/maps"; } 2>/dev/null || continue
		for thread in "$one"/task/[0-9]*; do
			[ "${thread##*/}" = "${one##*/}" ] || [ ! -e "$thread/maps" ] || echo "$thread/maps"
		done
	done
}

# Processes that have a device node or a file in sysfs of the function open, or mapped. Each thread may have files of its own, and
# a node any name.
use_of_processes() {
	# The function's folder, wherever sysfs is mounted.
	folder=${real#"$root/sys"}
	open=$(look find -L "$root"/proc/[0-9]*/task/[0-9]*/fd -mindepth 1 -maxdepth 1 \( -type b -o -type c \) \
		-exec stat -L -c '%t:%T %n' {} +)
	mapped=$(look find -L "$root"/proc/[0-9]*/map_files -mindepth 1 -maxdepth 1 \( -type b -o -type c \) \
		-exec stat -L -c '%t:%T %n' {} +)
	sysfs=$(look find "$root"/proc/[0-9]*/task/[0-9]*/fd -mindepth 1 -maxdepth 1 -lname "*$folder/*" -print)
	pattern=" (.*$folder/.*|/dev/($(printf %s "${names# }" | tr -s ' ' '|')none))( \\(deleted\\))?\$"
	# shellcheck disable=SC2046
	texts=$(look grep -lE "$pattern" "$root"/proc/[0-9]*/maps $(maps_of_threads))
	{
		printf '%s\n' "$open" "$mapped" | while read -r number file; do
			case $nodes in
			*" $number "*) ;;
			*) continue ;;
			esac
			case $file in
			*/map_files/*) echo "$(process "$file") has it mapped" ;;
			*) echo "$(process "$file") has it open" ;;
			esac
		done
		printf '%s\n' "$sysfs" | while read -r file; do
			case $file in "$root"/proc/*) echo "$(process "$file") has it open" ;; esac
		done
		printf '%s\n' "$texts" | while read -r file; do
			case $file in "$root"/proc/*) echo "$(process "$file") has it mapped" ;; esac
		done
	} | sort -u
	unseen "$open"
	unseen "$mapped"
	unseen "$sysfs"
	unseen "$texts"
}

# Opens the disk as its only user, which fails if anything holds it: a mount in whatever namespace, swap, device mapper, RAID,
# a pool of disks. So opens wipefs, without --force (util-linux, misc-utils/wipefs.c). It finds nothing of a type that there is
# not (whose name must not begin with `no`, which means all others), and has nothing to erase: otherwise even with --no-act it
# has the kernel read the partition table again.
exclusive() {
	message=$(wipefs --no-act --all --types zpci-report "$root/dev/$1" 2>&1 >/dev/null) ||
		echo "$1 cannot be had alone: $(printf %s "$message" | head -n 1)"
}
