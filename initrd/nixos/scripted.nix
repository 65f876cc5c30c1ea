# Scripted stage 1: Postern is a step of the network's commands, which come before NixOS asks for the volumes.
{
  config,
  lib,
  options,
  ...
}:

let
  cfg = config.boot.initrd.postern;
  files = import ./files.nix { inherit config lib options; };
  isOn = files.isOn && !files.isSystemd;

  # What cryptsetup's mapping of a volume has in its own UUID, where that is known: any that it made will do otherwise.
  identity =
    volume:
    let
      found = builtins.match "/dev/disk/by-uuid/([-0-9a-f]{36})" volume.device;
    in
    if found == null || volume.header != null then
      "*"
    else
      "${builtins.replaceStrings [ "-" ] [ "" ] (builtins.head found)}-*";

  put = path: text: ''
    printf %s ${lib.escapeShellArg text} >${path}
  '';
in
{
  # Beside what luksroot.nix declares. Its opener does not look whether a volume is open, and cryptsetup would refuse a second
  # time, for ever. So it does while a stranger's mapping has the name, such as that of a logical volume. These commands come after the opener's functions, and just before their call.
  options.boot.initrd.luks.devices = lib.mkOption {
    type = lib.types.attrsOf (
      lib.types.submodule (
        {
          name,
          config,
          options,
          ...
        }:
        {
          config = lib.optionalAttrs (options ? preOpenCommands) (lib.mkIf (isOn && files.ours ? ${name}) {
            preOpenCommands = ''
              for mapping in /sys/class/block/dm-*/dm; do
                [ "$(cat "$mapping/name" 2>/dev/null)" = '${name}' ] || continue
                case $(cat "$mapping/uuid") in
                  CRYPT-LUKS[12]-${identity config}) open_normally() { :; } ;;
                esac
              done
            '';
          });
        }
      )
    );
  };

  config = lib.optionalAttrs files.hasScripted (lib.mkIf isOn {
    boot.initrd.extraUtilsCommands = ''
      copy_bin_and_libs ${cfg.package}/bin/postern
    '';
    # It must have come through what stage 1 does to its programs.
    boot.initrd.extraUtilsCommandsTest = ''
      $out/bin/postern --version
    '';

    # After those that others have: they will not come to run before the volumes are open.
    boot.initrd.network.postCommands = lib.mkAfter ''
      mkdir -p /etc/postern /run/postern
      ${put "/etc/postern/postern.conf" files.settings}
      ${put "/etc/postern/crypttab" files.crypttab}
      ${put "/etc/postern/authorized_keys" files.authorizedKeys}
      ${lib.optionalString (files.hostKeyFiles != [ ]) "chmod 0600 ${lib.concatStringsSep " " files.hostKeyFiles}"}
      # What is waited for may be a logical volume, also one inside a volume that was just opened.
      : >/run/postern/assemble
      (
        while [ -e /run/postern/assemble ]; do
          if [ -e /run/postern/missing ]; then lvm vgchange -ay; fi
          sleep 1
        done
      ) </dev/null >/dev/null 2>&1 &
      postern agent || {
        echo 'postern: the volumes that are not open will be asked for here'
        postern settle || :
      }
      rm -f /run/postern/assemble
    '';
  });
}
