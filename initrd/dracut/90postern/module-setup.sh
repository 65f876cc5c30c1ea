#!/bin/bash
# Puts Postern into dracut's image. Whatever is wrong with Postern's configuration, the image is built.
# shellcheck disable=SC2154 # dracut's own variables

# What this module cannot do without and that is not there: where dpkg is, the packages, as Debian and its children call them,
# and elsewhere the programs and modules. Alone check-image calls it.
lacking() {
    local cryptsetup=cryptsetup ip=ip
    ! type -P dpkg-query > /dev/null || cryptsetup=cryptsetup-bin ip=iproute2
    # A part of systemd until Debian 12.
    [[ -x ${systemdutildir:-/usr/lib/systemd}/systemd-cryptsetup ]] || echo systemd-cryptsetup
    type -P cryptsetup > /dev/null || echo $cryptsetup
    type -P ip > /dev/null || echo $ip
    compgen -G "${dracutbasedir:-/usr/lib/dracut}/modules.d/[0-9][0-9]network" > /dev/null || echo dracut-network
}

# Only where somebody configured it: nothing is to be opened by an initrd without a key that may log in.
check() {
    [[ $mount_needs ]] && return 1
    # The files are this machine's: another one's image would get its keys.
    [[ -z ${dracutsysrootdir%/} ]] || return 1
    require_binaries /usr/sbin/postern /usr/lib/postern/postern-initrd || return 1
    [[ -s /etc/postern/postern.conf ]] || return 255
    # Without them dracut leaves this module out, and says of it nothing that anybody sees.
    local missing
    missing=$(lacking | tr '\n' ' ')
    [[ -z $missing ]] || {
        derror "postern: not in this image; install what is missing: $missing"
        return 1
    }
    return 0
}

depends() {
    local folder
    echo systemd systemd-ask-password crypt dm network
    # From dracut 104 on, what asks when the agent fails is a module of its own.
    # shellcheck disable=SC2154
    for folder in "$dracutbasedir"/modules.d/[0-9][0-9]systemd-cryptsetup; do
        [[ ! -d $folder ]] || echo systemd-cryptsetup
    done
}

installkernel() {
    local card place module own=''
    # With the instructions that the processor has for AES.
    case $(uname -m) in
        x86_64) own=aesni_intel ;;
        aarch64) own='aes_ce_blk aes_ce_cipher aes_neon_bs aes_neon_blk aes_arm64 sha2_ce sha256_arm64 sha512_ce sha512_arm64' ;;
    esac
    # shellcheck disable=SC2086
    hostonly='' instmods dm_mod dm_crypt aes xts cbc essiv sha256 sha512 algif_skcipher $own virtio_console efivarfs
    # The drivers of this machine's network cards, of their PHYs, and of the buses that both sit at.
    for card in /sys/class/net/*/device /sys/class/net/*/phydev; do
        place=$(readlink -f "$card") || continue
        while [[ $place == /sys/devices/* ]]; do
            module=$(readlink -f "$place/driver/module") && [[ -d $module ]] && hostonly='' instmods "${module##*/}"
            place=${place%/*}
        done
    done
    # What a key volume may have on it, where a key lies on one.
    if grep -Eqs '^[^#[:blank:]][^[:blank:]]*[[:blank:]]+[^[:blank:]]+[[:blank:]]+/[^[:blank:]]*:' \
        /etc/crypttab; then
        hostonly='' instmods ext4 xfs btrfs vfat nls_cp437 nls_ascii nls_utf8 nls_iso8859_1
    fi
    return 0
}

# The volumes that dracut's own crypt module chose, and those that the root needs.
needed() {
    [[ ! -e $initdir/etc/crypttab ]] || sed 's/[[:blank:]].*//; /^#/d; /^$/d' "$initdir/etc/crypttab"
    [[ ! -x /usr/share/postern/volumes-needed ]] || timeout 30 /usr/share/postern/volumes-needed
}

# named WORD...: the volumes that these words of a kernel command line name, as lines of crypttab. dracut.cmdline(7)
named() {
    local word uuid options='' whole='[[:xdigit:]]{8}-([[:xdigit:]]{4}-){3}[[:xdigit:]]{12}'
    local -A names=() own=()
    for word; do
        word=${word#rd.}
        case $word in
            luks=0 | luks=no) return 0 ;;
            luks.key=* | luks.data=*)
                dwarning "postern: ${word%%=*}= is left to systemd, and so are the volumes of the kernel command line"
                return 0
                ;;
            luks.crypttab=0 | luks.crypttab=no)
                dwarning 'postern: luks.crypttab=0 leaves systemd without the volumes of crypttab, should Postern fail'
                ;;
            # An empty subscript would end more than this function.
            luks.name==* | luks.uuid= | luks.uuid=luks-) ;;
            luks.name=*=*)
                uuid=${word#luks.name=}
                names[${uuid%%=*}]=${uuid#*=}
                ;;
            luks.uuid=*)
                uuid=${word#luks.uuid=}
                uuid=${uuid#luks-}
                names[$uuid]=${names[$uuid]:-luks-$uuid}
                ;;
            luks.options=*=*)
                uuid=${word#luks.options=}
                if [[ ${uuid%%=*} =~ ^$whole$ ]]; then
                    own[${uuid%%=*}]=${uuid#*=}
                else
                    options=,$uuid
                fi
                ;;
            luks.options=*) options=,${word#luks.options=} ;;
        esac
    done
    for uuid in "${!names[@]}"; do
        if [[ $uuid =~ ^$whole$ ]]; then
            word=${own[$uuid]:+,${own[$uuid]}}
            echo "${names[$uuid]} UUID=$uuid none luks${word:-$options}"
        else
            dwarning "postern: $uuid on the kernel command line is no whole UUID, and is left to systemd"
        fi
    done | sort
}

install() {
    local -a volumes words files
    local file modules
    mapfile -t volumes < <(needed | sort -u)
    read -r -d '' -a words < <(cat /proc/cmdline "$initdir"/etc/cmdline.d/*.conf 2> /dev/null; echo "$kernel_cmdline")
    file=$(mktemp) || return 0
    # What bash does not forgive ends that process, and not dracut.
    (named "${words[@]}") > "$file"
    modules=$(timeout 60 /usr/sbin/postern image --into "$initdir" -f /etc/postern/postern.conf --also "$file" \
        -- "${volumes[@]}") || {
        rm -f "$file"
        dwarning "postern: not in this image"
        return 0
    }
    rm -f "$file"
    # What Notify lines with https:// need.
    mapfile -t files < <(timeout 30 /usr/sbin/postern notify --files)
    [[ ${#files[@]} = 0 ]] || {
        inst_multiple "${files[@]}"
        # Of a glibc that has them apart.
        inst_libdir_file 'libnss_dns.so*' 'libnss_files.so*'
    }
    # What opens a sealed host key.
    mapfile -t files < <(timeout 30 /usr/sbin/postern hostkey --files)
    [[ ${#files[@]} = 0 ]] || {
        inst_multiple "${files[@]}"
        hostonly='' instmods '=drivers/char/tpm'
    }
    # What the headers ask for besides, each in all its kinds, such as serpent_avx2 for a processor that has it.
    # shellcheck disable=SC2086
    [[ -z $modules ]] || hostonly='' instmods $modules
    # dracut writes into an image that is there already, and leaves its mode, which was perhaps made by another program.
    [[ ! -f $outfile ]] || chmod go= "$outfile"
    inst_binary /usr/lib/postern/postern-initrd /usr/sbin/postern
    inst_simple "$moddir/postern.service" "$systemdsystemunitdir/postern.service"
    inst_simple "$moddir/initrd.conf" /etc/systemd/system.conf.d/postern.conf
    $SYSTEMCTL -q --root "$initdir" enable postern.service
    # What wakes a hibernated system, until systemd 254, has a name that postern.service cannot give.
    mkdir -p "$initdir/etc/systemd/system/systemd-hibernate-resume@.service.d"
    printf '[Unit]\nAfter=postern.service\n' > "$initdir/etc/systemd/system/systemd-hibernate-resume@.service.d/postern.conf"
    # Without ip= on the kernel command line every card asks DHCP.
    if dracut_module_included systemd-networkd; then
        # It is up without being told that it is needed, and being told would let the boot wait for it.
        inst_simple "$moddir/postern.network" /usr/lib/systemd/network/zz-postern.network
    else
        # The network is wanted though the root does not lie on it.
        mkdir -p "$initdir/etc/cmdline.d"
        echo 'rd.neednet=1' > "$initdir/etc/cmdline.d/90postern.conf"
        inst_hook pre-udev 70 "$moddir/no-wait.sh"
    fi
}
