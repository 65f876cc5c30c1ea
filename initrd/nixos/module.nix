# boot.initrd.postern: Postern in the initrd of NixOS.
#
# The volumes are those of boot.initrd.luks.devices, which stay declared to NixOS: its own question is the fallback.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.boot.initrd.postern;
  files = import ./files.nix { inherit config lib options; };
  scalar = types.oneOf [
    types.bool
    types.int
    types.singleLineStr
  ];
in
{
  imports = [
    ./checks.nix
    ./notify.nix
    ./scripted.nix
    ./systemd.nix
  ];

  options.boot.initrd.postern = {
    enable = lib.mkEnableOption "Postern, which unlocks the volumes of boot.initrd.luks.devices over SSH";

    package = mkOption {
      type = types.package;
      default = pkgs.postern or (pkgs.callPackage ./package.nix { });
      defaultText = lib.literalExpression "pkgs.postern or (pkgs.callPackage ./package.nix { })";
      description = ''
        The agent: what the flake's overlay has, if that is used. package.nix wants the url and the hash of a release, or
        the file that initrd/build made.
      '';
    };

    port = mkOption {
      type = types.port;
      default = 2222;
      description = "The port of SSH in the initrd.";
    };

    authorizedKeys = mkOption {
      type = types.listOf types.str;
      default = config.users.users.root.openssh.authorizedKeys.keys;
      defaultText = lib.literalExpression "config.users.users.root.openssh.authorizedKeys.keys";
      description = ''
        The public keys that may log in, as lines of authorized_keys. One of these may as well be the text of a file with
        several lines.
      '';
    };

    authorizedKeyFiles = mkOption {
      type = types.listOf types.path;
      default = config.users.users.root.openssh.authorizedKeys.keyFiles;
      defaultText = lib.literalExpression "config.users.users.root.openssh.authorizedKeys.keyFiles";
      description = "Files with more of them. They are read when the configuration is evaluated.";
    };

    hostKeys = mkOption {
      type = types.listOf (types.either types.str types.path);
      default = [ ];
      example = [ "/etc/secrets/initrd/ssh_host_ed25519_key" ];
      description = ''
        Private host keys of the initrd's own, as strings: the boot loader puts them into the initrd, and the Nix store
        never sees them. A Nix path is for boot loaders that cannot do that, and everybody can read the key then.
      '';
    };

    hostKeysAtBoot = mkOption {
      type = types.listOf (types.strMatching "/[^[:space:]\"]+");
      default = [ ];
      example = [ "/run/credentials/postern.service/host-key" ];
      description = ''
        Paths in the initrd of host keys that something else puts there before Postern starts, such as a credential of
        postern.service, or a service that reads the ESP. Nothing checks these when the configuration is evaluated. If none
        of all host keys is there, Postern does not listen, and asks on the console.
      '';
    };

    arrays = mkOption {
      default = { };
      example = {
        storage = {
          policy = "quorum";
          quorum = 5;
          members = [ "storage-*" ];
        };
      };
      description = "Groups of volumes of which the boot needs some.";
      type = types.attrsOf (
        types.submodule {
          options = {
            policy = mkOption {
              type = types.enum [
                "all"
                "any"
                "quorum"
              ];
              default = "all";
              description = "Whether the boot needs all of them, one, or as many as `quorum` says.";
            };
            quorum = mkOption {
              type = types.nullOr types.int;
              default = null;
              description = "How many members the boot needs.";
            };
            members = mkOption {
              type = types.listOf types.singleLineStr;
              description = "Names in boot.initrd.luks.devices, with * and ? as wildcards.";
            };
          };
        }
      );
    };

    permitShell = mkOption {
      type = types.bool;
      default = false;
      description = "PermitShell of postern.conf(5).";
    };

    settings = mkOption {
      type = types.attrsOf (types.either scalar (types.listOf scalar));
      default = { };
      example = {
        ContinueTimeout = 120;
        ListenAddress = [ "192.0.2.10" ];
      };
      description = "More keywords of postern.conf(5). A list is a line for each of its values.";
    };
  };

  config = lib.mkIf files.isOn {
    boot.initrd.network.enable = lib.mkDefault true;

    # For the commands of the booted machine, such as `postern report`.
    environment.systemPackages = [ cfg.package ];

    # As strings they stay out of the store. A number in place of the name: that of a path in the store has a hash.
    boot.initrd.secrets = builtins.listToAttrs (
      lib.imap1 (number: key: lib.nameValuePair (files.hostKey number) key) cfg.hostKeys
    );

    # Where systemd-boot lists its entries; and what key volumes have on them, where a key lies on one.
    boot.initrd.availableKernelModules = [
      "efivarfs"
    ]
    ++ lib.optionals (lib.any files.hasKeyVolume (builtins.attrValues files.ours)) [
      "ext4"
      "vfat"
      "nls_cp437"
      "nls_iso8859-1"
    ];
  };
}
