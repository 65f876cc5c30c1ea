# Evaluates the module with a configuration, and says what comes of it.
#
#   nix-instantiate --eval --strict --json --store dummy:// eval.nix --argstr of configuration.nix
#
# `of` is the path of a module, or of several with colons between; `library` the folder of another `lib`; `store` what stands
# before the names of packages; `version` that of NixOS whose options are declared; `virtual` whether nixpkgs' qemu-vm.nix is
# among the modules, and `overlaid` whether the flake's overlay is. `nixpkgs` is the path of a checkout that is taken instead
# of our declarations: a string, for nobody wants a copy of it.
{
  of,
  library ? ./lib.nix,
  store ? "/nix/store/00000000000000000000000000000000-",
  version ? "26.05",
  virtual ? false,
  overlaid ? false,
  nixpkgs ? null,
}:

let
  lib = if nixpkgs == null then import library else import (nixpkgs + "/lib");

  # A package that is only named: nothing is built, and there is no store.
  named = name: {
    type = "derivation";
    inherit name;
    outPath = "${store}${name}";
  };
  pkgs = {
    coreutils = named "coreutils";
    curl = named "curl";
    cacert = named "cacert";
    callPackage = path: args: named "postern";
  }
  // lib.optionalAttrs overlaid { postern = named "overlaid"; };
  # nixos/lib/utils.nix (2025): what systemd-escape(1) does with --path.
  utils.escapeSystemdPath =
    path:
    let
      letters = text: builtins.genList (index: builtins.substring index 1 text) (builtins.stringLength text);
      plain = letters "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_.";
      byte =
        one:
        if one == "/" then
          "-"
        else if lib.elem one plain then
          one
        else
          codes.${one};
      codes = {
        "-" = "\\x2d";
        "+" = "\\x2b";
        "=" = "\\x3d";
        "@" = "\\x40";
        "#" = "\\x23";
      };
    in
    lib.concatStrings (map byte (letters (lib.removePrefix "/" path)));
  utils.fsNeededForBoot =
    fileSystem:
    fileSystem.neededForBoot
    || builtins.elem fileSystem.mountPoint [
      "/"
      "/nix"
      "/nix/store"
      "/var"
      "/var/log"
      "/var/lib"
      "/var/lib/nixos"
      "/etc"
      "/usr"
    ];

  modules = [ ../../../initrd/nixos/module.nix ] ++ map (file: /. + file) (lib.splitString ":" of);

  # nixos/modules/virtualisation/qemu-vm.nix [2]: what it declares is known by one of its options. It leaves no volume but those
  # of its own priority.
  machine = {
    options.virtualisation.useBootLoader = lib.mkOption {
      type = lib.types.bool;
      default = false;
    };
    config.boot.initrd.luks.devices = lib.mkOverride 10 { };
  };

  declared = lib.evalModules {
    modules = [
      ./stubs.nix
      # Of the booted system.
      {
        options.systemd.services = lib.mkOption {
          type = lib.types.attrsOf lib.types.anything;
          default = { };
        };
      }
    ]
    ++ lib.optional virtual machine
    ++ modules;
    specialArgs = { inherit pkgs utils version; };
  };
  # The machine of a checkout: a loader with secrets and, of packages, the agent alone in name.
  real = import (nixpkgs + "/nixos/lib/eval-config.nix") {
    inherit lib;
    system = null;
    modules = [
      (
        { modulesPath, ... }:
        {
          imports = lib.optional virtual (modulesPath + "/virtualisation/qemu-vm.nix");
          nixpkgs.hostPlatform = "x86_64-linux";
          nixpkgs.overlays = [ (final: prev: { postern = named (if overlaid then "overlaid" else "postern"); }) ];
          boot.loader.systemd-boot.enable = lib.mkDefault true;
          boot.loader.grub.enable = lib.mkDefault false;
          networking.hostId = lib.mkDefault "8425e349";
          system.stateVersion = lib.mkDefault lib.trivial.release;
        }
      )
    ]
    ++ modules;
  };
  evaluated = if nixpkgs == null then declared else real;
  inherit (evaluated) config;
  initrd = config.boot.initrd;

  # Units as nixos/lib/systemd-lib.nix writes them (nixpkgs, 2025): attributes in the order of their names, lists of names
  # with blanks between.
  value =
    one:
    if one == true then
      "true"
    else if one == false then
      "false"
    else
      toString one;
  section =
    name: attrs:
    "[${name}]\n"
    + lib.concatStrings (
      lib.mapAttrsToList (key: values: lib.concatMapStrings (one: "${key}=${value one}\n") (lib.toList values)) attrs
    );
  names = key: list: lib.optionalAttrs (list != [ ]) { ${key} = toString list; };
  unit =
    service:
    section "Unit" (
      lib.optionalAttrs (service.description != "") { Description = service.description; }
      // names "Documentation" service.documentation
      // names "Wants" service.wants
      // names "Requires" service.requires
      // names "After" service.after
      // names "Before" service.before
      // names "Conflicts" service.conflicts
      // service.unitConfig
    )
    + "\n"
    + section "Service" service.serviceConfig;
  # The files of /etc/systemd/system; a drop-in of a unit that NixOS itself has goes the same way.
  place = name: service: if service.overrideStrategy == "asDropin" then "${name}.d/overrides.conf" else name;
  others = lib.mapAttrs' (name: other: lib.nameValuePair (place name other) other.text) initrd.systemd.units;
  # NixOS itself makes units of the services.
  units =
    if nixpkgs != null then
      others
    else
      lib.mapAttrs' (
        name: service: lib.nameValuePair (place "${name}.service" service) (unit service)
      ) initrd.systemd.services
      // others;
  links = lib.concatLists (
    lib.mapAttrsToList (name: service: map (target: "${target}.wants/${name}.service") service.wantedBy) initrd.systemd.services
  );

  contents = lib.mapAttrs' (
    path: file: lib.nameValuePair path (if file.text == null then "${file.source}" else file.text)
  ) initrd.systemd.contents;

  # What puts all of it into the folder $1, which is the root of an initrd.
  put = path: text: ''
    mkdir -p "$1"${lib.escapeShellArg (dirOf path)}
    printf %s ${lib.escapeShellArg text} >"$1"${lib.escapeShellArg path}
  '';
  manager =
    if initrd.systemd ? settings then
      section "Manager" initrd.systemd.settings.Manager
    else
      "[Manager]\n${initrd.systemd.extraConfig}";
in
{
  failed = map (one: one.message) (builtins.filter (one: !one.assertion) config.assertions);
  inherit (config) warnings;
  inherit units links contents;
  inherit (initrd) availableKernelModules;
  # A path as it is: there is no store to copy the file into.
  secrets = builtins.mapAttrs (_: toString) initrd.secrets;
  storePaths = map (one: "${one.source or one}") initrd.systemd.storePaths;
  programs = initrd.systemd.extraBin;
  booted = builtins.mapAttrs (_: service: toString (service.serviceConfig.ExecStart or "")) config.systemd.services;
  inherit manager;
  packageName = config.boot.initrd.postern.package.name;
  network = initrd.network.enable;
  scripted = {
    extraUtilsCommands = initrd.extraUtilsCommands or "";
    extraUtilsCommandsTest = initrd.extraUtilsCommandsTest or "";
    postCommands = initrd.network.postCommands or "";
    preOpenCommands = lib.mapAttrs' (
      name: volume: lib.nameValuePair name (volume.preOpenCommands or "")
    ) initrd.luks.devices;
  };
  # As a script, for `render`.
  tree =
    lib.concatStrings (
      lib.mapAttrsToList put contents
      ++ lib.mapAttrsToList (name: text: put "/etc/systemd/system/${name}" text) units
      ++ map (link: ''
        mkdir -p "$1"/etc/systemd/system/${lib.escapeShellArg (dirOf link)}
        ln -sf ../${lib.escapeShellArg (baseNameOf link)} "$1"/etc/systemd/system/${lib.escapeShellArg link}
      '') links
    )
    + put "/etc/systemd/system.conf.d/nixos.conf" manager;
}
