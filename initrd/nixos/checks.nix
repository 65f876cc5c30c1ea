# What is wrong with a configuration, while somebody reads the answer, and what to do about it.
{
  config,
  lib,
  options,
  ...
}:

let
  cfg = config.boot.initrd.postern;
  initrd = config.boot.initrd;
  systemd = files.isSystemd;
  files = import ./files.nix { inherit config lib options; };
  volumes = initrd.luks.devices;
  names = builtins.attrNames volumes;

  quoted = lib.concatMapStringsSep ", " (name: "\"${name}\"");
  named = test: builtins.attrNames (lib.filterAttrs test volumes);

  # Whether a file of authorized keys has a line that may be a key.
  hasKey = lib.any (line: builtins.match "[[:space:]]*[^#[:space:]].*" line != null) (
    lib.splitString "\n" files.authorizedKeys
  );

  ofFewTries = builtins.attrNames files.ofFewTries;
  hasSecrets = config.boot.loader.supportsInitrdSecrets or true;
  fileSystems = builtins.attrValues config.fileSystems;
  # What NixOS opens and is no LUKS, of the file systems.
  otherEncryption =
    lib.optional (lib.any (one: one.fsType == "zfs") fileSystems) "ZFS"
    ++ lib.optional (lib.any (one: one.fsType == "bcachefs") fileSystems) "bcachefs";

  isInStore = key: lib.hasPrefix "${builtins.storeDir}/" (toString key);
  isSystems =
    key:
    builtins.match "/etc/ssh/ssh_host_[^/]*" (toString key) != null
    || (
      config.services.openssh.enable
      && lib.any (own: toString own.path == toString key) config.services.openssh.hostKeys
    );

  # Whether the configuration shows who puts the host keys of hostKeysAtBoot there: a credential of the unit, or a unit
  # that comes before it.
  service = initrd.systemd.services.postern;
  isBrought =
    systemd
    && (
      lib.any (key: service.serviceConfig ? ${key}) [
        "ImportCredential" "LoadCredential" "LoadCredentialEncrypted" "SetCredential" "SetCredentialEncrypted"
      ]
      || lib.any (other: lib.elem "postern.service" other.before) (builtins.attrValues initrd.systemd.services)
    );

  # Keywords that have an option here. Of two lines the first would hold, and the other be passed over.
  taken = builtins.filter (
    keyword:
    lib.elem (lib.toLower keyword) [
      "port" "hostkey" "authorizedkeysfile" "crypttab" "permitshell" "array"
    ]
  ) (builtins.attrNames cfg.settings);

  hasNetwork = initrd.network.enable || (systemd && initrd.systemd.network.enable);
  parameters = config.boot.kernel.params or config.boot.kernelParams;
  hasAddress =
    config.networking.useDHCP
    || lib.any (lib.hasPrefix "ip=") parameters
    || (
      if systemd then
        initrd.systemd.network.networks != { }
      else
        initrd.network.udhcpc.enable
        || lib.any (interface: interface.useDHCP == true) (builtins.attrValues config.networking.interfaces)
    );

  ofArray =
    name: rule:
    let
      option = "boot.initrd.postern.arrays.${name}";
      unknown = builtins.filter (member: !lib.any (files.holds member) names) rule.members;
      count = lib.length (builtins.filter (volume: lib.any (member: files.holds member volume) rule.members) names);
    in
    [
      {
        assertion = rule.members != [ ] && unknown == [ ];
        message = "${option}.members: boot.initrd.luks.devices has no volume ${quoted unknown}. Name volumes that it has${
          lib.optionalString (names != [ ]) ": ${quoted names}"
        }.";
      }
      {
        assertion = (rule.policy == "quorum") == (rule.quorum != null);
        message = "${option}: policy = \"quorum\" and quorum = N go together. Set both, or neither.";
      }
      {
        assertion = rule.quorum == null || unknown != [ ] || (rule.quorum >= 1 && rule.quorum <= count);
        message = "${option}.quorum is ${toString rule.quorum}, and the array has ${toString count} members. Write a number from 1 to ${toString count}.";
      }
      {
        assertion = systemd || rule.policy == "all";
        message = "${option}: scripted stage 1 stops at the first disk that is missing, whatever the policy says. Set boot.initrd.systemd.enable = true, or policy = \"all\".";
      }
    ];

  # Where scripted stage 1 cannot do what was asked for.
  foreignOptions = named (_: volume: !systemd && volume.crypttabExtraOpts != [ ]);
  lostKeys = named (_: volume: !systemd && files.hasKeyVolume volume && !volume.fallbackToPassword);

  # What device-mapper and crypttab take as it is.
  oddNames = builtins.filter (name: builtins.match "[-A-Za-z0-9_.:=@+#]+" name == null) names;
in
{
  config = lib.mkIf files.isOn {
    assertions = [
      {
        assertion = hasKey;
        message = "boot.initrd.postern.authorizedKeys: no key may log in. Add a public key, such as those of users.users.NAME.openssh.authorizedKeys.keys.";
      }
      {
        assertion = cfg.hostKeys != [ ] || cfg.hostKeysAtBoot != [ ];
        message = "boot.initrd.postern.hostKeys: there is no host key. Name the initrd's here as a string; where there is none yet, make it with ssh-keygen -t ed25519 -N '' -f /etc/secrets/initrd/ssh_host_ed25519_key. One that appears in the initrd at boot alone is for hostKeysAtBoot.";
      }
      {
        assertion = !hasSecrets || !lib.any isInStore cfg.hostKeys;
        message = "boot.initrd.postern.hostKeys: a host key lies in the Nix store, where everybody can read it. Make another one outside, and name it as a string: \"/etc/secrets/initrd/ssh_host_ed25519_key\".";
      }
      {
        assertion = hasSecrets || lib.all (key: builtins.isPath key || isInStore key) cfg.hostKeys;
        message = "boot.initrd.postern.hostKeys: this boot loader puts no secrets into the initrd, so a host key that is a string would not be there. Name it as a Nix path, such as hostKeys = [ ./key ]; it is then copied into the Nix store, where everybody on this machine can read it. Or use a boot loader with boot.loader.supportsInitrdSecrets, such as systemd-boot or GRUB.";
      }
      {
        assertion = !lib.any isSystems cfg.hostKeys;
        message = "boot.initrd.postern.hostKeys: this is the host key of the system's own sshd, and whoever can read the initrd would have it. Make another one for the initrd alone with ssh-keygen.";
      }
      {
        assertion = !initrd.network.ssh.enable || initrd.network.ssh.port != cfg.port;
        message = "boot.initrd.postern.port: boot.initrd.network.ssh has the port ${toString cfg.port}, too. Give one of them another port, or set boot.initrd.network.ssh.enable = false.";
      }
      {
        assertion = hasNetwork;
        message = "boot.initrd.postern: the initrd has no network. Remove boot.initrd.network.enable = false.";
      }
      {
        assertion = files.ours != { } || files.watched != { };
        message =
          if volumes == { } && (initrd.systemd.root or null) == "gpt-auto" then
            "boot.initrd.postern: Postern opens the LUKS volumes of boot.initrd.luks.devices alone, and with boot.initrd.systemd.root = \"gpt-auto\" systemd finds the root's by itself. Name it in boot.initrd.luks.devices and in fileSystems, with root = \"fstab\", or set boot.initrd.postern.enable = false."
          else if volumes == { } && otherEncryption != [ ] then
            "boot.initrd.postern: Postern opens LUKS alone, and there is no LUKS volume: the encryption of ${lib.concatStringsSep " and " otherEncryption} itself is left to NixOS. Set boot.initrd.postern.enable = false, unless one of these file systems lies in a LUKS volume, which boot.initrd.luks.devices must name."
          else if volumes == { } then
            "boot.initrd.postern: boot.initrd.luks.devices has no volume. Name the encrypted ones there."
          else
            "boot.initrd.postern: every volume of boot.initrd.luks.devices is opened without a person. Set boot.initrd.postern.settings.Volume = \"NAME take\" for one that you want to open, or boot.initrd.postern.enable = false.";
      }
      {
        assertion = oddNames == [ ];
        message = "boot.initrd.luks.devices: device-mapper would change the names ${quoted oddNames}. Use letters, digits and - _ . : = @ + # alone.";
      }
      {
        assertion = taken == [ ];
        message = "boot.initrd.postern.settings: ${quoted taken} have options of their own. Use boot.initrd.postern.port, hostKeys, authorizedKeys, arrays and permitShell; the volumes are those of boot.initrd.luks.devices.";
      }
      {
        assertion = foreignOptions == [ ];
        message = "boot.initrd.luks.devices: scripted stage 1 knows no crypttabExtraOpts, which ${quoted foreignOptions} have. Remove them, or set boot.initrd.systemd.enable = true.";
      }
      {
        assertion = lostKeys == [ ];
        message = "boot.initrd.luks.devices: scripted stage 1 cannot read a key of the form PATH:DEVICE, and without Postern the boot would stop at ${quoted lostKeys}. Set fallbackToPassword = true for them, or boot.initrd.systemd.enable = true.";
      }
    ]
    ++ lib.concatLists (lib.mapAttrsToList ofArray cfg.arrays);

    warnings =
      lib.optional (!hasSecrets && cfg.hostKeys != [ ])
        "boot.initrd.postern.hostKeys: the boot loader knows no secrets of the initrd, so the host keys are copied into the Nix store, and everybody on this machine can read them. Use one with boot.loader.supportsInitrdSecrets, such as systemd-boot or GRUB, or keep these keys for nothing else."
      ++
        lib.optional (cfg.hostKeysAtBoot != [ ] && !isBrought)
          "boot.initrd.postern.hostKeysAtBoot: nothing here shows what puts ${quoted cfg.hostKeysAtBoot} into the initrd. Without a host key Postern asks on the console alone. ${
            if systemd then
              "Give boot.initrd.systemd.services.postern.serviceConfig a LoadCredential, or a service of the initrd before = [ \"postern.service\" ]."
            else
              "Put it there in boot.initrd.network.postCommands."
          }"
      ++
        lib.optional (ofFewTries != [ ])
          "boot.initrd.luks.devices: after a few wrong passphrases, with a TPM after the first, systemd gives up ${quoted ofFewTries} and perhaps the boot. Set boot.initrd.postern.settings.Volume = [${
            lib.concatMapStrings (name: " \"${name} fallback\"") ofFewTries
          } ], or add \"tries=0\" to crypttabExtraOpts."
      ++
        lib.optional (hasNetwork && !hasAddress)
          "boot.initrd.postern: nothing gives the initrd an address, unless an IPv6 router does. Set networking.useDHCP, an ip= in boot.kernelParams${lib.optionalString systemd ", or boot.initrd.systemd.network.networks"}.";
  };
}
