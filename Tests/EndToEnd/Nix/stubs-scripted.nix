# The options of scripted stage 1, which stubs.nix has beside it for the versions that have them, with the assertions of
# NixOS about both stages. The files are those of nixpkgs that stubs.nix names.
{ config, lib, ... }:

let
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };
  lines = option types.lines "";
  flag = option types.bool false;
  strings = option (types.listOf types.str) [ ];
  maybe = type: option (types.nullOr type) null;

  initrd = config.boot.initrd;
  luks = initrd.luks;
  all = builtins.attrValues luks.devices;
in
{
  options.boot.initrd = {
    # nixos/modules/system/boot/stage-1.nix [1]
    preFailCommands = lines;
    preDeviceCommands = lines;
    preLVMCommands = lines;
    postDeviceCommands = lines;
    postMountCommands = lines;
    extraUtilsCommands = lines;
    extraUtilsCommandsTest = lines;

    # nixos/modules/system/boot/initrd-network.nix [1]
    network.postCommands = lines;
    network.udhcpc.enable = option types.bool config.networking.useDHCP;

    # nixos/modules/system/boot/luksroot.nix [1]
    luks.yubikeySupport = flag;
    luks.gpgSupport = flag;
    luks.fido2Support = flag;
    luks.devices = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            preLVM = option types.bool true;
            fallbackToPassword = flag;
            gpgCard = maybe types.anything;
            fido2.credential = maybe types.str;
            fido2.credentials = strings;
            yubikey = maybe types.anything;
            preOpenCommands = lines;
            postOpenCommands = lines;
          };
        }
      );
    };
  };

  config = lib.mkMerge [
    # nixos/modules/system/boot/luksroot.nix [1]
    {
      assertions = lib.optionals (!initrd.systemd.enable) [
        {
          assertion = builtins.all (volume: volume.keyFileTimeout == null) all;
          message = "NixOS: keyFileTimeout is for systemd stage 1";
        }
      ]
      ++ lib.optionals initrd.systemd.enable [
        {
          assertion = !builtins.any (volume: volume.fallbackToPassword) all;
          message = "NixOS: fallbackToPassword is for scripted stage 1";
        }
        {
          assertion = builtins.all (volume: volume.preLVM) all;
          message = "NixOS: preLVM is for scripted stage 1";
        }
        {
          assertion = builtins.all (volume: volume.preOpenCommands == "" && volume.postOpenCommands == "") all;
          message = "NixOS: preOpenCommands and postOpenCommands are for scripted stage 1";
        }
        {
          assertion = !(luks.gpgSupport || luks.fido2Support || luks.yubikeySupport);
          message = "NixOS: tokens of scripted stage 1";
        }
      ];
    }
    # nixos/modules/system/boot/systemd/initrd.nix [1]
    {
      assertions = lib.optionals initrd.systemd.enable (
        map
          (name: {
            assertion = initrd.${name} == "";
            message = "NixOS: systemd stage 1 has no boot.initrd.${name}";
          })
          [
            "preFailCommands"
            "preDeviceCommands"
            "preLVMCommands"
            "postDeviceCommands"
            "postMountCommands"
            "extraUtilsCommands"
            "extraUtilsCommandsTest"
          ]
        ++ [
          {
            assertion = initrd.network.postCommands == "";
            message = "NixOS: systemd stage 1 has no boot.initrd.network.postCommands";
          }
        ]
      );
    }
  ];
}
