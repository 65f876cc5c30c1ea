# Evaluates the example, nas.nix, and says what comes of it.
#
#   nix-instantiate --eval --strict --json --store dummy:// example.nix [--argstr more module.nix]
#
# `more` is the path of a module that changes something; `library` the folder of another `lib`; `version` that of NixOS.
{
  library ? ./lib.nix,
  more ? null,
  version ? "26.05",
}:
let
  lib = import library;

  # A package that is only named: nothing is built, and there is no store.
  named = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
  };

  inherit
    (lib.evalModules {
      modules = [
        ./stubs.nix
        ./example-stubs.nix
        ../../../initrd/nixos/example/nas.nix
      ]
      ++ lib.optional (more != null) (/. + more);
      specialArgs = {
        inherit version;
        pkgs = {
          coreutils = named "coreutils";
          curl = named "curl";
          cacert = named "cacert";
          callPackage = path: args: named "postern";
        };
        utils.fsNeededForBoot = fileSystem: builtins.elem fileSystem.mountPoint [ "/" "/nix" ];
        utils.escapeSystemdPath = builtins.replaceStrings [ "-" "/" ] [ "\\x2d" "-" ];
      };
    })
    config
    ;
  initrd = config.boot.initrd;
  services = config.services;
  each = what: builtins.mapAttrs (_: what) config.systemd.services;

  # formats.ini with listToValue, and the global section first. nixpkgs: pkgs/pkgs-lib/formats.nix, lib/generators.nix
  word =
    value:
    if value == true then
      "true"
    else if value == false then
      "false"
    else
      toString value;
  section =
    settings: name:
    "[${name}]\n" + lib.concatStrings (lib.mapAttrsToList (key: value: "${key}=${word value}\n") settings.${name});
  ini = settings: lib.concatMapStrings (section settings) (builtins.attrNames settings);

  # zedConf of nixos/modules/tasks/filesystems/zfs.nix
  quoted =
    value:
    if value == true then
      "1"
    else if value == false then
      "0"
    else if builtins.isInt value then
      toString value
    else
      "\"${toString value}\"";
  zed = lib.concatStrings (
    lib.mapAttrsToList (name: value: "${name}=${quoted value}\n") services.zfs.zed.settings
  );

  # makeFstabEntries of nixos/modules/tasks/filesystems.nix
  fstab = lib.concatStrings (
    lib.mapAttrsToList (
      path: fileSystem:
      "${fileSystem.device} ${path} ${fileSystem.fsType} ${lib.concatStringsSep "," fileSystem.options} 0 0\n"
    ) config.fileSystems
  );
in
{
  failed = map (one: one.message) (builtins.filter (one: !one.assertion) config.assertions);
  inherit (config) warnings;

  # Of the initrd.
  files = builtins.mapAttrs (
    _: file: if file.text == null then "${file.source}" else file.text
  ) initrd.systemd.contents;
  inherit (initrd) secrets;
  after = builtins.mapAttrs (_: service: service.after) initrd.systemd.services;

  # Of the system.
  smb =
    ini { inherit (services.samba.settings) global; } + ini (removeAttrs services.samba.settings [ "global" ]);
  inherit (services.nfs.server) exports;
  inherit fstab;
  ports = config.networking.firewall.allowedTCPPorts;
  members = builtins.mapAttrs (_: group: group.members) config.users.groups;
  mounts = each (service: lib.toList (service.unitConfig.RequiresMountsFor or [ ]));
  requiredBy = each (service: service.requiredBy);
  before = each (service: service.before);
  script = each (service: service.script);
  inherit zed;
  scrub = services.zfs.autoScrub.enable;
  exporters = builtins.filter (name: services.prometheus.exporters.${name}.enable) (
    builtins.attrNames services.prometheus.exporters
  );
  tmpfiles = config.systemd.tmpfiles.rules;
  flags = services.prometheus.exporters.node.extraFlags;
}
