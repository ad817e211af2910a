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
	printf '%s\n' "$1" >>"$scratch/rules"
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
	grep -qFx "$1 $2" "$scratch/seen" 2>/dev/null || echo "$1 $2" >>"$scratch/seen"
	printf '%s%s' "$1" "$(grep "^$1 " "$scratch/seen" | grep -nFx "$1 $2" | cut -d: -f1)"
}

# The word for the PNET IDs of a function, EBCDIC; `none` if it has none.
utility_string() {
	value=$(bytes "$1/util_string")
	case $value in
	*[!0]*) numbered UTIL "$value" ;;
	*) printf none ;;
	esac
}

# The internal path of a function as `zpci list` writes it, which says where a card is plugged.
internal_path() {
	[ -r "$1/pfip/segment0" ] || return 0
	cat "$1"/pfip/segment[0-3] 2>/dev/null | sed 's/^0x//' | paste -s -d. -
}

# Adds rules for the function ID $1, of 8 digits, which is the number $2.
function_id() {
	word "0x$1" "FID$2"
	word "$1" "FID$2"
	# As the debug views and the log have it, where a short one may be any number.
	short=$(printf %s "$1" | sed 's/^0*//')
	rule "s/((fid|PCI function)[:= ]*(0x)?)0*$short(\$|[^0-9A-Za-z])/\\1FID$2\\4/gi"
	# Of an error event, in hexadecimal: 4 bytes of 0, the handle, this. Without what the bytes are as text.
	spaced=$(printf %s "$1" | sed 's/../ &/g')
	rule "s/(( 00){4}( [0-9a-f]{2}){4})$spaced(( [0-9a-f]{2})*).*/\\1 FID$2\\4/"
	echo "$1" >>"$scratch/fids"
}

# Adds rules for the function at $1, which is the number $2.
function_rules() {
	address=${1##*/}
	fid=$(digits "$address" function_id 8)
	[ -z "$fid" ] || function_id "$fid" "$2"
	uid=$(digits "$address" uid 4)
	if [ -n "$uid" ]; then
		word "0x$uid" "UID$2"
		# As zpci(1) writes it.
		word "0x$(printf '%4s' "$uid" | tr ' ' 0)" "UID$2"
	fi
	# In an address alone: these four digits may be anything elsewhere.
	domain="(^|[^0-9A-Za-z]|pci)${address%%:*}(:[0-9a-f]{2}(\$|[^0-9A-Za-z]))"
	rule "s/$domain/\\1DOM$2\\2/g"
	rule "s/$domain/\\1DOM$2\\2/g"
	# A function without PCHID of its own shares it with no other.
	pchid=$(digits "$address" pchid 4)
	[ -z "$pchid" ] || word "0x$pchid" "PCHID$2"
	path=$(internal_path "$1")
	case $path in
	*[!0.]*) word "$path" "$(numbered PATH "$path")" ;;
	esac
	for net in "$1"/net/* "$1"/virtio*/net/*; do
		[ -e "$net" ] || continue
		word "${net##*/}" "NET$2"
		[ -r "$net/address" ] && word "$(cat "$net/address")" "MAC$2"
	done
	for serial in "$1"/nvme/*/serial "$1"/nvme/*/subsysnqn; do
		[ -r "$serial" ] && word "$(sed 's/^ *//; s/ *$//' "$serial")" "SERIAL$2"
	done
}

names_of_the_machine() {
	hostname=$(cat "$root/proc/sys/kernel/hostname" 2>/dev/null)
	word "$hostname" HOST
	case $hostname in
	*.*)
		word "${hostname%%.*}" HOST
		word "${hostname#*.}" DOMAIN
		;;
	esac
	sed -nE 's/^(Sequence Code|LPAR (Extended )?Name|LPAR UUID|VM[0-9]+ (Extended )?Name|VM[0-9]+ UUID): *//p' \
		"$root/proc/sysinfo" 2>/dev/null | sed 's/ *$//' | sort -u | while IFS= read -r name; do
		word "$name" MACHINE
	done
	for net in "$root"/sys/class/net/*; do
		case ${net##*/} in
		lo | '*') ;;
		*) word "${net##*/}" NET ;;
		esac
	done
}

collect_rules() {
	: >"$scratch/fids"
	number=0
	for path_of in "$functions"/*; do
		[ -e "$path_of" ] || continue
		number=$((number + 1))
		function_rules "$path_of" $number
	done
	# Functions in standby have a slot and nothing else.
	for slot in "$root"/sys/bus/pci/slots/*; do
		fid=${slot##*/}
		case $fid in
		00000000 | *[!0-9a-f]*) continue ;;
		????????) ;;
		*) continue ;;
		esac
		grep -qx "$fid" "$scratch/fids" && continue
		number=$((number + 1))
		function_id "$fid" $number
	done
	names_of_the_machine
	# What no list has, as it is written.
	cat >>"$scratch/rules" <<-'END'
	s/(fid[:= ]+)(0x)?[0-9a-f]+($|[^0-9A-Za-z])/\1FID\3/gi
	s/(PCI function +)(0x[0-9a-f]+|[0-9a-f]{8})($|[^0-9A-Za-z])/\1FID\3/gi
	s/(Domain )[0-9a-f]{4} /\1DOM /
	s/(pchid[:= ]+)(0x)?[0-9a-f]+($|[^0-9A-Za-z])/\1PCHID\3/gi
	s/(( 00){4} [89a-f][0-9a-f]( [0-9a-f]{2}){3})( [0-9a-f]{2}){4}(( [0-9a-f]{2}){4}) \|.*/\1 FID\5/
	s/([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}/MAC/g
	s/[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/UUID/g
	s/(identification = )[0-9A-F]+/\1SERIAL/g
	s/^(LPAR Number: *).*/\1NUMBER/
	s/(^|[^0-9A-Za-z])(en[ospP]|ib[ospP])[0-9][0-9A-Za-z]*/\1NET/g
	s/(^|[^0-9A-Za-z])(en|ib)x[0-9a-f]{12}/\1NET/g
	s/(nqn|iqn)\.[^", ]*/NQN/g
	s/(eui|naa|nvme|uuid|wwn)\.[0-9a-fA-F]{16}[^", ]*/WWN/g
	s/0x[1256c][0-9a-f]{15}($|[^0-9a-f])/WWN\1/g
	s/0x4[0-9a-f]{3}4[0-9a-f]{3}0{8}($|[^0-9a-f])/LUN\1/g
	s/[0-9A-Za-z._-]+@[0-9A-Za-z._-]+/USER@HOST/g
	s/^( +util +).*/\1UTIL/
	s/(pnet ?id[:= ]+)[^ ,]+/\1UTIL/gi
	s/^( +path +)[0-9a-f]{2}(\.[0-9a-f]{2}){3}$/\1PATH/
	s/(^|[^0-9A-Za-z.])([0-9]{1,3}\.){3}[0-9]{1,3}($|[^0-9A-Za-z.])/\1IP\3/g
	s/(^|[^0-9A-Za-z:])([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}($|[^0-9A-Za-z:])/\1IP\3/gi
	s/(^|[^0-9A-Za-z:])([0-9a-f]{1,4}:){1,6}(:[0-9a-f]{1,4}){1,6}($|[^0-9A-Za-z:])/\1IP\4/gi
	s/(^|[^0-9A-Za-z:])([0-9a-f]{4}:){3}[0-9a-f]{4}($|[^0-9A-Za-z:])/\1GUID\3/gi
	END
}
