#!/bin/bash
# For tests: what initramfs-tools' scripts of the same tree do. With test.control=TERMINAL on the kernel's command line, that
# terminal's lines are run as commands; and the console says what the initrd leaves behind.
# shellcheck disable=SC2154 # dracut's own variables
check() { return 0; }

depends() { echo systemd; }

install() {
    local unit
    inst_multiple sh stty base64 sed ps find stat tr ip cat kill
    inst_simple /usr/local/share/postern-tests/control /scripts/control
    inst_simple /usr/local/share/postern-tests/survey /scripts/survey
    for unit in test-control test-left; do
        inst_script "$moddir/$unit" "/scripts/$unit"
        inst_simple "$moddir/$unit.service" "$systemdsystemunitdir/$unit.service"
        $SYSTEMCTL -q --root "$initdir" enable "$unit.service"
    done
}
