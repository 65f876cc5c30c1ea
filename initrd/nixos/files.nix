# What the agent reads, made of the options: postern.conf, authorized_keys, and the crypttab of scripted stage 1.
{
  config,
  lib,
  options,
}:

let
  cfg = config.boot.initrd.postern;
  luks = config.boot.initrd.luks;
  # Where scripted stage 1 is gone, the option may be, too.
  isSystemd = config.boot.initrd.systemd.enable or true;

  # A word of postern.conf that reads back as it is.
  word =
    text:
    if builtins.match "[-A-Za-z0-9_.:=@+*?]+" text != null then
      text
    else
      "\"${builtins.replaceStrings [ "\\" "\"" ] [ "\\\\" "\\\"" ] text}\"";

  value =
    setting:
    if setting == true then
      "yes"
    else if setting == false then
      "no"
    else
      toString setting;

  # A pattern of postern.conf as a regular expression.
  expression =
    builtins.replaceStrings
      [ "\\" "." "+" "(" ")" "[" "{" "^" "$" "|" "?" "*" ]
      [ "\\\\" "\\." "\\+" "\\(" "\\)" "\\[" "\\{" "\\^" "\\$" "\\|" "." ".*" ];

  # The names of a volume's options in crypttab.
  optionNames =
    volume:
    map (option: builtins.head (lib.splitString "=" option)) (
      lib.concatMap (lib.splitString ",") volume.crypttabExtraOpts
    );
  hasOption = names: volume: lib.any (name: lib.elem name names) (optionNames volume);

  # `NAME take`, `NAME leave` and `NAME fallback` of settings.Volume.
  rules = lib.toList (cfg.settings.Volume or [ ]);
  isRuled = name: treatment: lib.elem "${name} ${treatment}" rules;

  # Opened by Clevis or a token of scripted stage 1: there is a key only when NixOS has made it.
  hasToken =
    name: volume:
    ((config.boot.initrd.clevis.enable or false) && config.boot.initrd.clevis.devices ? ${name})
    || (
      !isSystemd
      && (
        (luks.yubikeySupport && volume.yubikey != null)
        || (luks.gpgSupport && volume.gpgCard != null)
        || (luks.fido2Support && (volume.fido2.credential != null || volume.fido2.credentials != [ ]))
      )
    );

  # Of crypttabExtraOpts, which systemd stage 1 alone has: what Sources/Config/InitrdSystem.swift says of systemd.
  unattended = [ "tpm2-device" "fido2-device" "fido2-cid" "pkcs11-uri" ];
  withoutHeader = [ "swap" "tmp" "plain" "bitlk" ];
  foreign = withoutHeader ++ [
    "tcrypt" "tcrypt-hidden" "tcrypthidden" "tcrypt-system" "tcrypt-veracrypt" "tcrypt-keyfile" "veracrypt"
  ];
  # The last option that says what kind of volume it is.
  format =
    volume:
    let
      last = builtins.foldl' (
        known: option:
        if lib.elem option [ "luks" "key-slot" "keyslot" ] then
          null
        else if lib.elem option foreign then
          option
        else
          known
      ) null (optionNames volume);
    in
    if volume.header != null && lib.elem last withoutHeader then null else last;
  random = [ "/dev/urandom" "/dev/random" "/dev/hwrng" "/dev/hw_random" ];

  # The path of a device, as crypttab may call it.
  devicePath =
    spec:
    let
      tag = builtins.match "((PART)?(UUID|LABEL))=(.+)" spec;
    in
    if tag == null then spec else "/dev/disk/by-${lib.toLower (builtins.head tag)}/${lib.last tag}";

  # What a key or a header lies on, or is, if that is a device.
  deviceOf =
    file:
    if isOnVolume file then
      devicePath (builtins.head (builtins.match "/[^:]*:(.+)" file))
    else if file != null && lib.hasPrefix "/dev/" file && !lib.elem file random then
      file
    else
      null;

  isOnVolume = file: file != null && builtins.match "/[^:]*:((PART)?(UUID|LABEL)=|/).+" file != null;

  # Whether NixOS opens a volume, and not the agent: what Sources/Config/NativeOpener.swift says.
  isNative =
    name: volume:
    format volume != null
    || hasOption [ "noauto" ] volume
    || lib.elem volume.keyFile random
    || isOnVolume volume.header
    || isRuled name "leave"
    || isRuled name "fallback"
    || (!isRuled name "take" && (hasToken name volume || hasOption unattended volume));

  # Of those, what the agent cannot see by itself.
  isLeft =
    name: volume:
    hasToken name volume && !lib.any (isRuled name) [ "leave" "take" "fallback" ];

  line =
    name: volume:
    let
      words =
        [ "luks" ]
        ++ lib.optional volume.allowDiscards "discard"
        ++ lib.optionals volume.bypassWorkqueues [ "no-read-workqueue" "no-write-workqueue" ]
        ++ lib.optional (volume.header != null) "header=${volume.header}"
        ++ lib.optional (volume.keyFileOffset != null) "keyfile-offset=${toString volume.keyFileOffset}"
        ++ lib.optional (volume.keyFileSize != null) "keyfile-size=${toString volume.keyFileSize}"
        ++ lib.optional volume.tryEmptyPassphrase "try-empty-password";
      key = if volume.keyFile == null then "none" else volume.keyFile;
    in
    "${name} ${volume.device} ${key} ${lib.concatStringsSep "," words}\n";

  array =
    name: rule:
    let
      policy = if rule.policy == "quorum" then "quorum=${toString rule.quorum}" else rule.policy;
    in
    "Array ${word name} ${policy} ${lib.concatMapStringsSep " " word rule.members}\n";
in
rec {
  inherit isSystemd;

  # A virtual machine of nixpkgs' qemu-vm.nix (build-vm, build-vm-with-bootloader, a test) has none of the machine's disks,
  # and no volume then: there is nothing to unlock, whatever `enable` says.
  isOn = cfg.enable && !(options ? virtualisation.useBootLoader && luks.devices == { });

  # Whether NixOS still has scripted stage 1. `mkIf false` does not make the definition of an option that is gone a good one.
  hasScripted =
    options ? boot.initrd.extraUtilsCommands
    && options ? boot.initrd.extraUtilsCommandsTest
    && options ? boot.initrd.network.postCommands;

  # Whether a name is one that a member of an array stands for.
  holds = member: name: builtins.match (expression member) name != null;

  # Whether the boot may go on without a volume of this name, as a member of an array. The options of the volumes must not
  # matter here, for those of such members depend on it.
  isSpare =
    name:
    lib.any (rule: rule.policy != "all" && lib.any (member: holds member name) rule.members) (
      builtins.attrValues cfg.arrays
    );

  # The volumes that Postern opens. The others are NixOS's own.
  ours = lib.filterAttrs (name: volume: !isNative name volume) luks.devices;

  # The volumes that systemd opens, and for which the agent asks what systemd asks.
  watched = lib.filterAttrs (
    name: volume:
    isSystemd
    && isNative name volume
    && format volume == null
    && !hasOption [ "noauto" "headless" ] volume
    && !lib.elem volume.keyFile random
    && !isOnVolume volume.header
    && !isRuled name "leave"
  ) luks.devices;

  # Those of them that are so whatever crypttabExtraOpts says.
  isNamedFallback = name: volume: isRuled name "fallback" || (isSystemd && isLeft name volume);

  # Those of them to which the module cannot add `tries=0`: that they are watched is what crypttabExtraOpts says.
  ofFewTries = lib.filterAttrs (
    name: volume: !isNamedFallback name volume && !hasOption [ "tries" ] volume
  ) watched;

  # How long a volume of ours waits for the device of its key, unless it says so: as long as Postern itself, in seconds.
  keyTimeout = 5;
  keyDevice = volume: deviceOf volume.keyFile;
  waitsForKey = name: volume: ours ? ${name} && keyDevice volume != null && !hasOption [ "keyfile-timeout" ] volume;

  # The devices that NixOS's units of a volume wait for and that the boot can do without, by their paths, with how long, in
  # seconds, and whether the volume says that itself.
  waited =
    name: volume:
    lib.optionals (!hasOption [ "noauto" ] volume) (
      builtins.filter (one: one.path != null) [
        {
          path =
            if ours ? ${name} && !isSpare name && !hasOption [ "nofail" ] volume then
              null
            else
              devicePath volume.device;
          isLimited = hasOption [ "x-systemd.device-timeout" ] volume;
          # Postern has waited for it already.
          limit = if ours ? ${name} then 30 else 90;
        }
        {
          path = keyDevice volume;
          limit = 90;
          isLimited =
            hasOption [ "keyfile-timeout" ] volume
            || !(lib.elem volume.keyFileTimeout [ null keyTimeout ]);
        }
        {
          path = deviceOf volume.header;
          isLimited = false;
          limit = 90;
        }
      ]
    );

  # Whether a volume's key is a file on another volume: PATH:DEVICE.
  hasKeyVolume = volume: isOnVolume volume.keyFile;

  hostKey = number: "/etc/postern/ssh_host_key_${toString number}";
  hostKeyFiles = lib.imap1 (number: _: hostKey number) cfg.hostKeys;

  # systemd stage 1 has a crypttab of its own, which NixOS makes of the same options.
  crypttabFile = if isSystemd then "/etc/crypttab" else "/etc/postern/crypttab";
  crypttab = lib.concatStrings (lib.mapAttrsToList line luks.devices);

  authorizedKeys =
    lib.concatMapStrings (key: "${key}\n") cfg.authorizedKeys
    + lib.concatMapStrings (file: "${builtins.readFile file}\n") cfg.authorizedKeyFiles;

  settings = lib.concatStrings (
    [ "Port ${toString cfg.port}\n" ]
    ++ map (file: "HostKey ${file}\n") (hostKeyFiles ++ cfg.hostKeysAtBoot)
    ++ [
      "AuthorizedKeysFile /etc/postern/authorized_keys\n"
      "Crypttab ${crypttabFile}\n"
      "Initrd ${if isSystemd then "systemd" else "script"}\n"
    ]
    ++ lib.optional cfg.permitShell "PermitShell yes\n"
    ++ lib.mapAttrsToList array cfg.arrays
    ++ map (name: "Volume ${word name} ${if isSystemd then "fallback" else "leave"}\n") (
      builtins.attrNames (lib.filterAttrs isLeft luks.devices)
    )
    ++ lib.concatLists (
      lib.mapAttrsToList (keyword: values: map (one: "${keyword} ${value one}\n") (lib.toList values)) cfg.settings
    )
  );
}
