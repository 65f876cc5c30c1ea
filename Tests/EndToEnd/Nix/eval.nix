# Evaluates the module with a configuration, and says what comes of it.
#
#   nix-instantiate --eval --strict --json --store dummy:// eval.nix --argstr of configuration.nix
#
# `of` is the path of a module, or of several with colons between; `library` the folder of another `lib`; `store` what stands
# before the names of packages.
{
  of,
  library ? ./lib.nix,
  store ? "/nix/store/00000000000000000000000000000000-",
}:

let
  lib = import library;

  # A package that is only named: nothing is built, and there is no store.
  named = name: {
    type = "derivation";
    inherit name;
    outPath = "${store}${name}";
  };
  pkgs = {
    coreutils = named "coreutils";
    callPackage = path: args: named "postern";
  };
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

  evaluated = lib.evalModules {
    modules = [
      ./stubs.nix
      ../../../initrd/nixos/module.nix
    ]
    ++ map (file: /. + file) (lib.splitString ":" of);
    specialArgs = { inherit pkgs utils; };
  };
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
  units =
    lib.mapAttrs' (name: service: lib.nameValuePair (place "${name}.service" service) (unit service)) initrd.systemd.services
    // lib.mapAttrs' (name: other: lib.nameValuePair (place name other) other.text) initrd.systemd.units;
  links = lib.concatLists (
    lib.mapAttrsToList (name: service: map (target: "${target}.wants/${name}.service") service.wantedBy) initrd.systemd.services
  );

  contents = lib.mapAttrs' (path: file: lib.nameValuePair path file.text) initrd.systemd.contents;

  # What puts all of it into the folder $1, which is the root of an initrd.
  put = path: text: ''
    mkdir -p "$1"${lib.escapeShellArg (dirOf path)}
    printf %s ${lib.escapeShellArg text} >"$1"${lib.escapeShellArg path}
  '';
in
{
  failed = map (one: one.message) (builtins.filter (one: !one.assertion) config.assertions);
  inherit (config) warnings;
  inherit units links contents;
  inherit (initrd) availableKernelModules;
  # A path as it is: there is no store to copy the file into.
  secrets = builtins.mapAttrs (_: toString) initrd.secrets;
  inherit (initrd.systemd) storePaths;
  manager = initrd.systemd.settings.Manager;
  network = initrd.network.enable;
  scripted = {
    inherit (initrd) extraUtilsCommands extraUtilsCommandsTest;
    inherit (initrd.network) postCommands;
    preOpenCommands = lib.mapAttrs' (name: volume: lib.nameValuePair name volume.preOpenCommands) initrd.luks.devices;
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
    + put "/etc/systemd/system.conf.d/nixos.conf" (section "Manager" initrd.systemd.settings.Manager);
}
