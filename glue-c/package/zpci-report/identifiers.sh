# SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only
# shellcheck shell=sh
#
# Identifiers, and the words that take their place: rules of sed in $scratch/rules.

# Replaces the identifiers in standard input.
replace() {
	if [ -n "$plain" ]; then
		cat
	else
		sed -E -f "$scratch/rules"
	fi
}

rule() {
	printf '%s\n' "$1" >>"$scratch/rules" || give_up "cannot write to $scratch"
}

# What makes $1 a pattern that matches nothing else.
pattern() {
	printf %s "$1" | sed 's/[][\\.*^$+?(){}|\/]/\\&/g'
}

# Adds a rule: every $1, as a whole word, is $2.
word() {
	[ -n "$1" ] || return 0
	whole="s/(^|[^0-9A-Za-z])$(pattern "$1")(\$|[^0-9A-Za-z])/\\1$2\\2/g"
	rule "$whole"
	# Once more, for two of them with one character between.
	rule "$whole"
}

# Adds a rule: $1, as a whole word behind the pattern $2, which has no group, is $3.
behind() {
	[ -z "$1" ] || rule "s/($2)$(pattern "$1")(\$|[^0-9A-Za-z])/\\1$3\\2/g"
}

# Whether any report has the word $1: as what the script prints, also in place of an identifier, or as a number. To replace it
# everywhere would make the report unreadable.
common() {
	case $1 in
	? | [0-9a-fA-F][0-9a-fA-F]) return 0 ;;
	*[!0-9]*) ;;
	*)
		# One of 8 digits or more is a number of something.
		case $(printf %s "$1" | sed 's/^0*//') in
		????????*) return 1 ;;
		esac
		return 0
		;;
	esac
	case $(printf %s "$1" | sed 's/[0-9]*$//') in
	DOM | FID | UID | PCHID | UTIL | PATH | NET | MAC | SERIAL | HOST | DOMAIN | MACHINE | USER | NUMBER) return 0 ;;
	UUID | GUID | IP | NQN | WWN | LUN | LABEL) return 0 ;;
	esac
	case $(printf %s "$1" | tr '[:upper:]' '[:lower:]') in
	pci | zpci | iommu | vfio | ism | lpar | vm | vm[0-9] | vm[0-9][0-9] | name | linux | kernel | ibm | s390 | s390x) ;;
	nvme | nvme[0-9] | nvme[0-9]n[0-9] | mlx[45] | mlx[45]_core | mlx[45]_ib | mlx[45]_[0-9]) ;;
	function | slot | slots | debug | log | machine | host | net | type | model | manufacturer | uid | fid | parameters) ;;
	statistics | clp | dma | msi | cpu | cpu[0-9] | cpu[0-9][0-9] | i/o | address | power | driver | reset | device) ;;
	resource | vendor | class | enable | revision | port | pchid | util | path | interrupts | devices | view | level | none) ;;
	unknown | lockdown | secure | system | up | for | of | the | and | others | test | self | read | bind | unbind | disks) ;;
	ok | not | in | is | on | off | no | to | error | event | localhost | local | localdomain | lan | home | internal) ;;
	*) return 1 ;;
	esac
}

attribute() {
	[ -r "$functions/$1/$2" ] && tr '\0' ' ' <"$functions/$1/$2" 2>/dev/null | head -c 4096
}

# The digits of the attribute $2 of the function $1, without 0x. Nothing if it says that there is none: all its bits are 0,
# or those of the $3 digits of its field are 1.
digits() {
	value=$(attribute "$1" "$2" | tr -d ' \n')
	value=${value#0x}
	case $value in
	*[!0]*) [ "$value" = "$(printf "%0$3d" 0 | tr 0 f)" ] || printf %s "$value" ;;
	esac
}

bytes() {
	od -An -v -tx1 "$1" 2>/dev/null | tr -d ' \n'
}

# The word for the value $2 of the kind $1: the same for the same value.
numbered() {
	grep -qFx "$1 $2" "$scratch/seen" 2>/dev/null || echo "$1 $2" >>"$scratch/seen" || give_up "cannot write to $scratch"
	printf '%s%s' "$1" "$(grep "^$1 " "$scratch/seen" | grep -nFx "$1 $2" | cut -d: -f1)"
}

# Whether the digits $1, which may have points between them, say that there is none: all bits are 0, or all are 1.
nothing() {
	case $1 in
	*[!0.]*) ;;
	*) return 0 ;;
	esac
	case $1 in
	*[!f.]*) return 1 ;;
	esac
}

# The word for the PNET IDs of a function, EBCDIC; `none` if it has none.
utility_string() {
	value=$(bytes "$1/util_string")
	if nothing "$value"; then printf none; else numbered UTIL "$value"; fi
}

# The internal path of a function as `zpci list` writes it, which says where a card is plugged.
internal_path() {
	[ -r "$1/pfip/segment0" ] || return 0
	cat "$1"/pfip/segment[0-3] 2>/dev/null | sed 's/^0x//' | paste -s -d. -
}

# The digits $1 with any number of zeros in front.
short() {
	printf '0*%s' "$(printf %s "$1" | sed 's/^0*//')"
}

# Adds rules for the function ID $1, of 8 digits, which is the number $2.
function_id() {
	word "0x$1" "FID$2"
	word "$1" "FID$2"
	# As the debug views and the log have it, where a short one may be any number.
	rule "s/((fid|PCI function)[:= ]+(0x)?)$(short "$1")(\$|[^0-9A-Za-z])/\\1FID$2\\4/gi"
	# Of an error event, in hexadecimal: 4 bytes of 0, the handle, this. Without what the bytes are as text.
	spaced=$(printf %s "$1" | sed 's/../ &/g')
	rule "s/(( 00){4}( [0-9a-f]{2}){4})$spaced(( [0-9a-f]{2})*).*/\\1 FID$2\\4/"
}

# Adds rules for the UID $1 of the number $2: where it is said to be one, since it may be as small as any number. Its column of
# zpci(1) is behind that of the FID.
uid_rules() {
	rule "s/(^| )(uid = )(0x)?$(short "$1")\$/\\1\\2UID$2/"
	rule "s/^([^ ]+ +FID[0-9]* +)0x$(short "$1")([* ]|\$)/\\1UID$2\\2/"
}

# The same for a PCHID, whose column is the next.
pchid_rules() {
	rule "s/(pchid[:= ]+)(0x)?$(short "$1")(\$|[^0-9A-Za-z])/\\1PCHID$2\\3/gi"
	rule "s/^([^ ]+ +FID[0-9]* +[^ ]+ +)0x$(short "$1")( |\$)/\\1PCHID$2\\2/"
}

# Adds rules for the domain of the address $1, which is the number $2: in an address alone, as these four digits may be anything
# elsewhere. In the name of a unit of systemd, \x2d is in front of it.
domain_rules() {
	domain="(^|[^0-9A-Za-z]|pci|x2d)${1%%:*}(:[0-9a-f]{2}(\$|[^0-9A-Za-z]))"
	rule "s/$domain/\\1DOM$2\\2/g"
	rule "s/$domain/\\1DOM$2\\2/g"
}

# Adds rules for what the function at $1, which is the number $2, has beside its function ID and its address.
function_rules() {
	uid=$(digits "${1##*/}" uid 4)
	[ -z "$uid" ] || uid_rules "$uid" "$2"
	pchid=$(digits "${1##*/}" pchid 4)
	[ -z "$pchid" ] || pchid_rules "$pchid" "$2"
	path=$(internal_path "$1")
	nothing "$path" || word "$path" "$(numbered PATH "$path")"
	for net in "$1"/net/* "$1"/virtio*/net/*; do
		[ -e "$net" ] || continue
		network "${net##*/}" "NET$2"
		[ -r "$net/address" ] && word "$(cat "$net/address")" "MAC$2"
	done
	for rdma in "$1"/infiniband/*; do
		case ${rdma##*/} in
		# As the driver counts them, of any machine.
		mlx[45]_* | '*') ;;
		*) name "${rdma##*/}" "NET$2" 'infiniband ' ;;
		esac
	done
	for serial in "$1"/nvme/*/serial "$1"/nvme/*/subsysnqn; do
		[ -r "$serial" ] && serial_number "$(sed 's/^ *//; s/ *$//' "$serial")" "SERIAL$2"
	done
}

# Adds rules for the name $1, which is $2: if any report has this word, where the pattern $3 is in front of it.
name() {
	if common "$1"; then
		behind "$1" "$3" "$2"
	else
		word "$1" "$2"
	fi
}

# Adds rules for the network interface $1, which is $2. Drivers name it behind the address.
network() {
	name "$1" "$2" 'DOM[0-9]*:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] '
}

# Adds rules for the serial number $1, which is $2. A short one may be anything elsewhere.
serial_number() {
	case $1 in
	??????*) common "$1" || word "$1" "$2" ;;
	esac
	behind "$1" '[Ss]erial[ A-Za-z]*[:= ] *"?' "$2"
}

names_of_the_machine() {
	hostname=$(cat "$root/proc/sys/kernel/hostname" 2>/dev/null)
	name "$hostname" HOST '[Hh]ost ?name[:= ]+'
	case $hostname in
	*.*)
		name "${hostname%%.*}" HOST '[Hh]ost ?name[:= ]+'
		name "${hostname#*.}" DOMAIN 'HOST\.'
		;;
	esac
	# Where these are printed there is a rule for the whole line.
	sed -nE 's/^(Sequence Code|LPAR (Extended )?Name|LPAR UUID|VM[0-9]+ (Extended )?Name|VM[0-9]+ UUID): *//p' \
		"$root/proc/sysinfo" 2>/dev/null | sed 's/ *$//' | sort -u | while IFS= read -r value; do
		common "$value" || word "$value" MACHINE
	done
	for net in "$root"/sys/class/net/*; do
		case ${net##*/} in
		lo | '*') ;;
		*) network "${net##*/}" NET ;;
		esac
	done
}

# The UID that the slot $1 has, if it says so.
uid_of_slot() {
	sed -nE 's/^0x0*([1-9a-f][0-9a-f]{0,3})$/\1/p' "$1/uid" 2>/dev/null
}

# Calls "$@" with each function and its number, and then with each slot of a function in standby, which has nothing else.
# $standby says which it is.
each() {
	number=0
	standby=
	for one in "$functions"/*; do
		[ -e "$one" ] || continue
		number=$((number + 1))
		"$@" "$one" $number
	done
	standby=1
	for one in "$root"/sys/bus/pci/slots/*; do
		case ${one##*/} in
		00000000 | *[!0-9a-f]*) continue ;;
		????????) ;;
		*) continue ;;
		esac
		grep -qx "${one##*/}" "$scratch/fids" && continue
		number=$((number + 1))
		"$@" "$one" $number
	done
}

# The address of one in standby is the one that Linux would give it.
add_domain() {
	if [ -z "$standby" ]; then
		domain_rules "${1##*/}" "$2"
	elif [ -r "$1/address" ]; then
		domain_rules "$(cat "$1/address")" "$2"
	fi
}

add_function_id() {
	if [ -z "$standby" ]; then
		fid=$(digits "${1##*/}" function_id 8)
	else
		fid=${1##*/}
	fi
	[ -z "$fid" ] || function_id "$fid" "$2"
}

add_others() {
	if [ -z "$standby" ]; then
		function_rules "$@"
	else
		uid=$(uid_of_slot "$1")
		[ -z "$uid" ] || uid_rules "$uid" "$2"
	fi
}

collect_rules() {
	for one in "$functions"/*; do
		[ -e "$one" ] || continue
		printf '%s\n' "$(digits "${one##*/}" function_id 8)"
	done >"$scratch/fids" || give_up "cannot write to $scratch"
	# In this order: digits of an address must not be found by a rule for another identifier, and a UID and a PCHID are known by
	# what stands before them.
	each add_domain
	each add_function_id
	each add_others
	names_of_the_machine
	# What no list has, as it is written. Of two in a row, the character between them is part of the first; where that may be,
	# the rule is there twice. An address may be before a full stop or a colon.
	cat >>"$scratch/rules" <<-'END' || give_up "cannot write to $scratch"
	s/(fid[:= ]+)(0x)?[0-9a-f]+($|[^0-9A-Za-z])/\1FID\3/gi
	s/(PCI function +)(0x[0-9a-f]+|[0-9a-f]{8})($|[^0-9A-Za-z])/\1FID\3/gi
	s/(slots?[:= /]+\[?)[0-9a-f]{8}($|[^0-9A-Za-z])/\1FID\2/gi
	s/(Domain )[0-9a-f]{4}($|[^0-9A-Za-z])/\1DOM\2/
	/^[^ ]+ +FID[0-9]* +0x(0000|ffff)[* ]/!s/^([^ ]+ +FID[0-9]* +)0x[0-9a-f]{4}([* ]|$)/\1UID\2/
	/^[^ ]+ +FID[0-9]* +[^ ]+ +0x(0000|ffff)/!s/^([^ ]+ +FID[0-9]* +[^ ]+ +)0x[0-9a-f]{4}( |$)/\1PCHID\2/
	/pchid[:= ]+(0x)?(0000|ffff)/!s/(pchid[:= ]+)(0x)?[0-9a-f]+($|[^0-9A-Za-z])/\1PCHID\3/gi
	s/(( 00){4} [89a-f][0-9a-f]( [0-9a-f]{2}){3})( [0-9a-f]{2}){4}(( [0-9a-f]{2}){4}) \|.*/\1 FID\5/
	# The handle of one that is not enabled: of an event of availability, which has nothing behind it up to its code.
	/(( 00){4}( [0-9a-f]{2}){4})( 00){4}(( [0-9a-f]{2}){4}) \|/!{
		s/(( 00){4}( [0-9a-f]{2}){4})( [0-9a-f]{2}){4}( 00 00 0[03] [0-9a-f]{2}) \|.*/\1 FID\5/
	}
	s/([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}/MAC/g
	s/[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/UUID/g
	s/(identification = )[0-9A-F]+/\1SERIAL/g
	s/^(LPAR Number: *).*/\1NUMBER/
	s/^((LPAR|VM[0-9]+) ((Extended )?Name|UUID): *)[^ ].*/\1MACHINE/
	s/(^|[^0-9A-Za-z])(en|ib|roce|iw|opa)[cospP][0-9][0-9A-Za-z]*/\1NET/g
	s/(^|[^0-9A-Za-z])(en|ib|roce|iw|opa)x[0-9a-f]{12}/\1NET/g
	s/(nqn|iqn)\.[^", ]*/NQN/g
	s/(eui|naa|nvme|uuid|wwn)\.[0-9a-fA-F]{16}[^", ]*/WWN/g
	s/0x[1256c][0-9a-f]{15}($|[^0-9a-f])/WWN\1/g
	s/0x4[0-9a-f]{3}4[0-9a-f]{3}0{8}($|[^0-9a-f])/LUN\1/g
	s/(^|[^0-9A-Za-z:]|pci:?|x2d)[0-9a-f]{4}(:[0-9a-f]{2}:[0-9a-f]{2}($|[^0-9A-Za-z:]|:($|[^0-9a-f:])))/\1DOM\2/g
	s/(^|[^0-9A-Za-z:]|pci:?|x2d)[0-9a-f]{4}(:[0-9a-f]{2}:[0-9a-f]{2}($|[^0-9A-Za-z:]|:($|[^0-9a-f:])))/\1DOM\2/g
	s/(pci_bus |pci)[0-9a-f]{4}(:[0-9a-f]{2}($|[^0-9A-Za-z]))/\1DOM\2/g
	# Interrupts are called mlx5_comp0@pci:0001:00:00.0, or without pci.
	s/@((pci:)?DOM[0-9]*:[0-9a-f]{2}:)/@@\1/g
	s/[0-9A-Za-z._-]+@[0-9A-Za-z._-]+/USER@HOST/g
	s/@@/@/g
	s/^( +util +).*/\1UTIL/
	s/(pnet ?id[:= ]+)[^ ,]+/\1UTIL/gi
	s/^( +path +)[0-9a-f]{2}(\.[0-9a-f]{2}){3}$/\1PATH/
	s/(^|[^0-9A-Za-z.])([0-9]{1,3}\.){3}[0-9]{1,3}($|[^0-9A-Za-z.]|\.($|[^0-9]))/\1IP\3/g
	s/(^|[^0-9A-Za-z.])([0-9]{1,3}\.){3}[0-9]{1,3}($|[^0-9A-Za-z.]|\.($|[^0-9]))/\1IP\3/g
	s/(^|[^0-9A-Za-z:]|[g-z=]:)([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}($|[^0-9A-Za-z:]|:($|[^0-9a-f:]))/\1IP\3/gi
	s/(^|[^0-9A-Za-z:]|[g-z=]:)([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}($|[^0-9A-Za-z:]|:($|[^0-9a-f:]))/\1IP\3/gi
	s/(^|[^0-9A-Za-z:]|[g-z=]:)([0-9a-f]{1,4}:){1,6}(:[0-9a-f]{1,4}){1,6}($|[^0-9A-Za-z:]|:($|[^0-9a-f:]))/\1IP\4/gi
	s/(^|[^0-9A-Za-z:]|[g-z=]:)([0-9a-f]{1,4}:){1,6}(:[0-9a-f]{1,4}){1,6}($|[^0-9A-Za-z:]|:($|[^0-9a-f:]))/\1IP\4/gi
	s/(^|[^0-9A-Za-z:]|[g-z=]:)([0-9a-f]{1,4}:){2,7}:($|[^0-9A-Za-z:])/\1IP\3/gi
	s/(^|[^0-9A-Za-z:]|[g-z=]:)([0-9a-f]{1,4}:){2,7}:($|[^0-9A-Za-z:])/\1IP\3/gi
	s/(^|[^0-9A-Za-z:]|[g-z=]:)([0-9a-f]{4}:){3}[0-9a-f]{4}($|[^0-9A-Za-z:]|:($|[^0-9a-f:]))/\1GUID\3/gi
	s/(^|[^0-9A-Za-z:]|[g-z=]:)([0-9a-f]{4}:){3}[0-9a-f]{4}($|[^0-9A-Za-z:]|:($|[^0-9a-f:]))/\1GUID\3/gi
	s/(device label ).* (devid [0-9])/\1LABEL \2/
	/device label LABEL devid [0-9]/!s/(device label ).*/\1LABEL/
	END
}
