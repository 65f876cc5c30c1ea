#!/bin/sh
# A root that is not on the network does not wait for it: network-legacy's own script, a little earlier, makes the boot
# wait for each card that is to have an address, and end in an emergency shell without one. dracut sources this.
if [ -z "${netroot-}" ] && ! grep -Eq '(^| )(rd\.neednet|rd\.break|netroot)(=| |$)' /proc/cmdline; then
    # shellcheck disable=SC2154 # dracut's own variable
    rm -f "$hookdir"/initqueue/finished/wait-*.sh
fi
