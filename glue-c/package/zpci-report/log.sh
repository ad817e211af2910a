# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
# shellcheck shell=sh
#
# The log of the kernel, and the debug views of s390.

# Prints the log. Fails if there is none to be read.
kernel_log() {
	if [ -n "$root" ]; then
		cat "$root/dmesg"
	elif [ -n "$plain" ]; then
		dmesg
	else
		# Without what programs wrote into it, where dmesg can tell: that of busybox cannot.
		dmesg -k 2>/dev/null || dmesg
	fi
}

# The same from the start of the system on, where something else has kept what the kernel has not.
whole_log() {
	kernel_log >"$scratch/log" 2>/dev/null || return 1
	grep -q 'Linux version' "$scratch/log" && return
	if [ -z "$root" ] && command -v journalctl >/dev/null 2>&1; then
		# Whom the journal does not call the kernel is marked as a program, whatever its name looks like.
		mark='s/^(\[[^]]*\] )/\1program[0]: /'
		[ -z "$plain" ] || mark=
		journalctl -k -b -q -o short-monotonic --no-hostname 2>/dev/null |
			sed -E -e 's/^(\[[^]]*\]) kernel: /\1 /' -e t -e "$mark" >"$scratch/journal"
		if grep -q 'Linux version' "$scratch/journal"; then
			mv "$scratch/journal" "$scratch/log"
			return
		fi
	fi
	missing 'the log of the kernel does not go back to its start: boot with log_buf_len=16M'
}

# Of a log, the lines that have to do with PCI, and every warning and oops with its registers and its back trace. Without
# intervals such as {8}, which some awk does not have.
lines_of_interest() {
	awk -v plain="$plain" '
	BEGIN {
		subject = "pci|iommu|vfio|nvme|mlx[45]|clp"
		# Who else of the kernel speaks of such a device, or of trouble.
		kernels = "^(" \
			"ism|smc.*|infiniband|rdma.*|ib_.*|virtio.*|scsi.*|blk.*|block|md|device-mapper|btrfs|ext4-fs|xfs|jbd2|vfs|" \
			"net|bug|warning|info|oops|ubsan|rcu|watchdog|workqueue|refcount_t|dma.*|swiotlb|debugfs|sysfs|kobject|" \
			"genirq|irq.*|kvm.*|kernel|module|livepatch)$"
		hex = "[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]+"
		memory = "^[ >]+[#*>]*" hex "([:* ]|$)"
	}

	# Whether a line is part of what the kernel says of trouble. Anybody may write a line between two of these.
	function of_trouble(line) {
		return line ~ /^$|^=+$|^-+$|^-+\[ (cut here|end )|^ +\^ *$/ || line ~ memory ||
			# Where it was.
			line ~ /^(CPU|Tainted|Hardware name|Modules linked in|Unloaded tainted modules|Workqueue|Call Trace): ?/ ||
			line ~ /^((Krnl|User) (PSW|GPRS|Code)|Last Breaking-Event-Address|Failing address|AS) ?:|^Fault in / ||
			line ~ /^ +R:[0-9] T:|^ *\(?\[<|^ *(\? )?[A-Za-z_][A-Za-z0-9_.]*\+0x[0-9a-f]+\/0x/ ||
			line ~ /^Kernel panic|^ +Not tainted |^ +Tainted: |^task:.* state:|^"echo 0 > \/proc\/sys\/kernel\/hung_task/ ||
			line ~ /^in_atomic\(\)|^preempt_count: |^RCU nest depth: |^Preemption disabled at:|^INFO: lockdep is/ ||
			# The sanitizers.
			line ~ /^(Read|Write) of size |^([Aa]llocated|[Ff]reed) by task |^The buggy address |^ which belongs to / ||
			line ~ /^ ([0-9]+ bytes |freed |allocated )|^Memory state around |^(page|page_type|flags|raw|head|memcg):/ ||
			line ~ /^page dumped because: |^(Last|Second to last) potentially related |^This frame has |^ \[[0-9]+, / ||
			line ~ /^(Use-after-free|Out-of-bounds|Invalid|Corrupted memory) .*(kfence| at )|^kfence-#/ ||
			line ~ /^(read|write|race)[a-z() -]* (to|at) 0x|^value changed: |^Reported by Kernel Conc/ ||
			line ~ /^Uninit was |^Local variable .* created at|^Bytes [0-9-]+ of |^Memory access of size / ||
			# Lockdep.
			line ~ / is trying to (acquire|release) lock|[{][^}]*[}]-[{]|^[{].*[}] state was |^inconsistent [{]/ ||
			line ~ /^but (task|now|there)|^which lock |^the existing dependency |^ *-> #[0-9]|^other info that might / ||
			line ~ /^Chain exists of|^  [^ ]+ --> |^ Possible .*scenario|^ +(CPU0|----|<Interrupt>)|^ +[a-z_]*lock[a-z_]*\(/ ||
			line ~ /^ \*\*\* DEADLOCK|locks? held by |^ #[0-9]+: |^stack backtrace:|^irq event stamp: / ||
			line ~ /^(hard|soft)irqs last |^[^ ]+ (#[^ ]+ )?(Not t|T)ainted|^[^ ]+:[0-9]+ suspicious rcu_|^rcu_scheduler_/ ||
			# RCU and work queues.
			line ~ /^rcu: |^[ \t]+\((detected by|t=)|^Sending NMI |^Task dump for CPU |^Showing (busy|backtraces)/ ||
			line ~ /^workqueue [^ ]+: flags=|^  pwq [0-9]+: |^    (in-flight|pending|inactive): |^pool [0-9]+: /
	}

	{
		said = $0
		sub(/^\[[^]]*\](\[[^]]*\])? ?/, "", said)
		if ($0 ~ /^\[ *[0-9]+\.[0-9]+\]/) timed = 1
		# A message of several lines may have its time in the first alone.
		else if (timed && left_out) next
		left_out = 0
	}

	# So begins what the first process is given of the command line, a line each. Others may write in between.
	said ~ /^  with (arguments|environment):$/ { given = 1; near = 200 }
	said !~ /^    / && said !~ /^  with / { given = 0 }
	near > 0 { near-- }
	!plain && (given || (near && said ~ /^    [^ ]/ && said !~ /^    (in-flight|pending|inactive): /)) {
		left_out = 1
		next
	}
	# What programs say, who write into the same log, is about this system.
	!plain && (said ~ /^([^ ]*|[^:]*)\[[0-9]+\]: / || said ~ /^(type=[0-9]+ )?(audit|systemd|dracut|multipathd|udev)/) {
		left_out = 1
		next
	}
	!plain && said ~ /[Cc]ommand line|cmdline/ { sub(/[Cc]ommand line.*|cmdline.*/, "command line (left out)") }

	# A word and a colon may be a program too.
	{
		who = said ~ /^[^ :]+:( |$)/ ? tolower(substr(said, 1, index(said, ":") - 1)) : ""
		unknown = !plain && who != "" && who !~ kernels && (who !~ subject || who !~ /^[a-z0-9_-]+$/)
	}

	# What a warning is about has no form: it is the line behind this one, which a function may begin with its name.
	said ~ /^-+\[ cut here \]/ { left = 200; about = 1; print; next }
	left > 0 {
		left--
		if (of_trouble(said) || (about && (!unknown || who ~ /^[a-z0-9]+_[a-z0-9_]+$/))) {
			if (said ~ /^---\[ end |^==========/) left = 0
			# Two lines of UBSAN.
			about = about && said ~ /^UBSAN: /
			print
			next
		}
	}

	unknown { left_out = 1; next }
	said ~ /^WARNING: |(^|: )BUG: |^kernel BUG at|^Oops|^Unable to handle kernel|^Kernel panic| ilc:.*\[#[0-9]+\]/ ||
	said ~ /^(rcu: )?INFO: (task|possible|rcu)|^rcu: .*detected stall/ {
		left = 200
		print
		next
	}
	tolower(said) ~ subject "|(^|[^a-z])ism[ :]"'
}

logs() {
	for view in pci_msg/sprintf pci_error/hex_ascii; do
		title "debug view $view, level $(cat "$debug/s390dbf/${view%/*}/level" 2>/dev/null)"
		cat "$debug/s390dbf/$view" 2>/dev/null || missing "no debug view $view: debugfs is not mounted, or locked down"
	done
	title 'log of the kernel'
	if whole_log; then
		lines_of_interest <"$scratch/log" || missing 'the log of the kernel could not be searched: awk failed'
	else
		missing 'no log of the kernel'
	fi
}
