# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
# shellcheck shell=sh
#
# Sections of the report: the machine, and its functions.

title() {
	printf '\n== %s\n' "$1"
}

# Says here and at the end of the report that something could not be read.
missing() {
	echo "($1)"
	echo "$1" >>"$scratch/missing" || give_up "cannot write to $scratch"
}

not_read() {
	title 'what could not be read'
	cat "$scratch/missing"
}

# Parameters of the kernel that have to do with PCI; others say who has which disks and networks.
PARAMETERS='pci|iommu|iommu\.[a-z_]+|s390_iommu[a-z_]*|zpci_rust\.[a-z_]+|s390_dbf[a-z_.]*|vfio[a-z0-9_]*\.[a-z0-9_]+
iommufd[a-z_]*\.[a-z_]+|nvme\.[a-z_]+|nvme_core\.[a-z_]+|mlx[45]_(core|ib|en)\.[a-z_]+|ism\.[a-z_]+|smc\.[a-z_]+
lockdown|swiotlb|mem|kasan[a-z_.]*|slub_debug|debug|expoline|spectre_v2|nospec'

command_line() {
	if [ -n "$plain" ]; then
		cat "$root/proc/cmdline"
		return
	fi
	known="^($(printf %s "$PARAMETERS" | tr '\n' '|'))(=|\$)"
	tr ' ' '\n' <"$root/proc/cmdline" | grep . >"$scratch/cmdline"
	printf 'parameters: %s (and %s others)\n' "$(grep -E "$known" "$scratch/cmdline" | paste -s -d' ' -)" \
		"$(grep -cvE "$known" "$scratch/cmdline")"
}

configuration() {
	{
		if [ -r "$root/proc/config.gz" ]; then
			gzip -dc "$root/proc/config.gz"
		else
			cat "$root/boot/config-$(cat "$root/proc/sys/kernel/osrelease")"
		fi
	} 2>/dev/null | grep -E '(ZPCI|S390_IOMMU|IOMMU_DEFAULT|VFIO|IOMMUFD|EXPOLINE|LIVEPATCH|PCI_NR|NVME_MULTIPATH)'
}

machine() {
	title machine
	sed -nE 's/^PRETTY_NAME=/system = /p' "$root/etc/os-release" 2>/dev/null
	printf 'up for %s s\n' "$(cut -d. -f1 "$root/proc/uptime" 2>/dev/null)"
	cat "$root/proc/version" 2>/dev/null || missing 'no /proc/version'
	if [ -r "$root/proc/cmdline" ]; then command_line; else missing 'no /proc/cmdline'; fi
	grep -E '^(vendor_id|# processors|facilities|max thread)' "$root/proc/cpuinfo" 2>/dev/null
	grep -E '^(Manufacturer|Type|Model|Capability|LPAR|VM|Hypervisor)' "$root/proc/sysinfo" 2>/dev/null ||
		missing 'no /proc/sysinfo'
	title parameters
	for file in "$root"/sys/module/zpci_rust/parameters/* "$root"/sys/module/pci/parameters/* \
		"$root"/sys/module/s390_iommu/parameters/* "$root"/sys/module/nvme*/parameters/* \
		"$root"/sys/module/vfio*/parameters/* "$root"/sys/firmware/zpci/*; do
		[ -r "$file" ] && printf '%s = %s\n' "${file#"$root"}" "$(cat "$file")"
	done
	configuration
	# Lockdown keeps debugfs closed.
	printf 'lockdown = %s\n' "$(cat "$root/sys/kernel/security/lockdown" 2>/dev/null || echo unknown)"
	printf 'secure IPL = %s\n' "$(cat "$root/sys/firmware/ipl/secure" 2>/dev/null || echo unknown)"
}

NAMES='vendor device subsystem_vendor subsystem_device class revision function_id function_handle pchid pfgid pft port vfn uid
 uid_is_unique mio_enabled fidparm util_string pfip resource numa_node dma_mask_bits consistent_dma_mask_bits enable
 reset_method error_recovery current_link_speed current_link_width'

each_function() {
	for path in "$functions"/*; do
		[ -e "$path" ] || continue
		place=${path##*/}
		title "function $place"
		for name in $NAMES; do
			[ -e "$path/$name" ] || continue
			case $name in
			# A folder, and what a bus need not have.
			pfip | current_link_*) ;;
			*) cat "$path/$name" >/dev/null 2>&1 || { missing "cannot read $name of $place" && continue; } ;;
			esac
			case $name in
			util_string)
				if [ -n "$plain" ]; then value=$(bytes "$path/$name"); else value=$(utility_string "$path"); fi
				printf '%s = %s\n' "$name" "$value"
				;;
			pfip)
				value=$(internal_path "$path")
				! nothing "$value" || value=none
				printf '%s = %s\n' "$name" "$value"
				;;
			resource) sed 's/^/resource = /' "$path/$name" ;;
			*) printf '%s = %s\n' "$name" "$(attribute "$place" "$name")" ;;
			esac
		done
		for link in driver iommu iommu_group; do
			target=$(readlink "$path/$link" 2>/dev/null) && printf '%s = %s\n' "$link" "${target##*/}"
		done
		if [ -d "$path/iommu_group" ]; then
			printf 'iommu_group/type = %s\n' "$(cat "$path/iommu_group/type" 2>/dev/null)"
			sed 's/^/reserved_regions = /' "$path/iommu_group/reserved_regions" 2>/dev/null
		fi
		for statistics in "$debug/pci/$place/statistics" "$debug"/pci/*/"$place/statistics"; do
			[ -e "$statistics" ] || continue
			sed 's/^/statistics: /' "$statistics" 2>/dev/null ||
				missing "no counters of $place: debugfs is not mounted, or locked down"
		done
	done
	[ -d "$debug/pci" ] || missing 'no counters: debugfs is not mounted, or locked down'
	title slots
	for path in "$root"/sys/bus/pci/slots/*; do
		[ -r "$path/power" ] || continue
		printf '%s power = %s, address = %s\n' "${path##*/}" "$(cat "$path/power")" "$(cat "$path/address" 2>/dev/null)"
	done
	# Of their names, whether they are directed to a processor shows.
	title interrupts
	grep -E '^ +CPU|^ *(PCI|PCF|PCD|MSI|AIO):|MSI' "$root/proc/interrupts" 2>/dev/null
	title 'IOMMU devices'
	ls "$root/sys/class/iommu" 2>/dev/null
}

# What CLP itself says, groups included, if the command that reads it is here.
commands() {
	title 'CLP (zpci list)'
	if command -v zpci >/dev/null 2>&1; then
		zpci --version 2>&1
		zpci list -v 2>&1 || missing 'zpci list could not read all'
	else
		missing 'no groups: the command zpci is not here'
	fi
}

# The blocks that CLP answered with, which the command `zpci` reads again: what it makes of them may be wrong. It replaces the
# identifiers itself, by numbers that are those of the words here (zpci/src/blocks/stand_ins.rs); the rules for words would find
# numbers in a block that are no identifiers.
#
# Whoever reads the section cuts it out up to the first empty line (docs/src/hardware.md): what it says otherwise is comments,
# or stands behind that line.
blocks() {
	command -v zpci >/dev/null 2>&1 || return 0
	title 'CLP blocks (zpci list --blocks)'
	if [ -n "$plain" ]; then
		zpci list --blocks 2>"$scratch/said"
	else
		zpci list --blocks --mask 2>"$scratch/said"
	fi
	code=$?
	replace <"$scratch/said" | fold -s -w 69 | sed 's/^/# /' || return 1
	[ $code != 0 ] || return 0
	echo
	case $code in
	1) missing 'a block of CLP is not as it should be; its section says what is wrong' ;;
	2) missing 'no block of CLP was read; its section says why' ;;
	*) missing "zpci list --blocks ended with the status $code; blocks of CLP may be missing" ;;
	esac
}
