# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
# shellcheck shell=sh
#
# The log of the kernel, and the debug views of s390.

# Prints the log. Fails if there is none to be read.
kernel_log() {
	if [ -n "$root" ]; then
		cat "$root/dmesg"
	else
		dmesg
	fi
}

# The same from the start of the system on, where something else has kept what the kernel has not.
whole_log() {
	kernel_log >"$scratch/log" 2>/dev/null || return 1
	grep -q 'Linux version' "$scratch/log" && return
	if [ -z "$root" ] && command -v journalctl >/dev/null 2>&1; then
		journalctl -k -b -q -o short-monotonic --no-hostname 2>/dev/null | sed -E 's/^(\[[^]]*\]) kernel: /\1 /' \
			>"$scratch/journal"
		if grep -q 'Linux version' "$scratch/journal"; then
			mv "$scratch/journal" "$scratch/log"
			return
		fi
	fi
	missing 'the log of the kernel does not go back to its start: boot with log_buf_len=16M'
}

# Of a log, the lines that have to do with PCI, and every warning and oops with its registers and its back trace.
lines_of_interest() {
	awk -v plain="$plain" '
	{
		said = $0
		sub(/^\[[^]]*\](\[[^]]*\])? ?/, "", said)
	}
	said ~ /\[ cut here \]|^WARNING: |BUG: |kernel BUG at|^Oops|Unable to handle kernel|Kernel panic|\[#[0-9]+\]/ ||
	said ~ /INFO: (task|possible|rcu)|detected stall/ {
		# An oops of no end that is known is not the rest of the log.
		left = 200
		calls = 0
	}
	said ~ /BUG: K[A-Z]*SAN|BUG: KFENCE/ { ends = "^==========" }
	left > 0 {
		left--
		if (said ~ /---\[ end /) {
			print
			left = 0
			ends = ""
			next
		}
		if (ends != "") {
			if (said ~ ends) { left = 0; ends = "" }
			print
			next
		}
		if (!calls || said ~ /^ |^\(?\[<|^$|Last Breaking-Event|^Kernel panic|locks? held|lockdep/) {
			if (said ~ /^Call Trace/) calls = 1
			print
			next
		}
		left = 0
	}
	# So begins what the first process is given of the command line, a line each.
	said ~ /^  with (arguments|environment):$/ { given = 1 }
	said !~ /^    / && said !~ /^  with / { given = 0 }
	given && !plain { next }
	# What programs say, who write into the same log, is about this system.
	!plain && said ~ /^[A-Za-z0-9_.-]+\[[0-9]+\]: |^(audit|systemd|dracut|multipathd|udev)/ { next }
	!plain && said ~ /[Cc]ommand line|cmdline/ { sub(/[Cc]ommand line.*|cmdline.*/, "command line (left out)") }
	tolower(said) ~ /pci|iommu|vfio|nvme|mlx[45]|(^|[^a-z])ism[ :]|clp/'
}

logs() {
	for view in pci_msg/sprintf pci_error/hex_ascii; do
		title "debug view $view, level $(cat "$debug/s390dbf/${view%/*}/level" 2>/dev/null)"
		cat "$debug/s390dbf/$view" 2>/dev/null || missing "no debug view $view: debugfs is not mounted, or locked down"
	done
	title 'log of the kernel'
	if whole_log; then
		lines_of_interest <"$scratch/log"
	else
		missing 'no log of the kernel'
	fi
}
