# What `settings.Notify` needs: in the initrd curl and certificates, if a line has https://, and a unit of the booted system that
# tells what the initrd could not.
{
  config,
  lib,
  options,
  pkgs,
  ...
}:

let
  cfg = config.boot.initrd.postern;
  files = import ./files.nix { inherit config lib options; };
  targets = lib.toList (cfg.settings.Notify or [ ]);
  isOn = files.isOn && targets != [ ];
  isSecure = isOn && lib.any (target: builtins.match ".*https://.*" target != null) targets;

  curl = "${pkgs.curl}/bin/curl";
  certificates = "${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt";
  place = "/etc/ssl/certs/ca-certificates.crt";
in
{
  config = lib.mkMerge [
    (lib.mkIf (isSecure && files.isSystemd) {
      boot.initrd.systemd.extraBin.curl = curl;
      boot.initrd.systemd.contents.${place}.source = certificates;
    })
    (lib.optionalAttrs files.hasScripted (lib.mkIf (isSecure && !files.isSystemd) {
      boot.initrd.extraUtilsCommands = ''
        copy_bin_and_libs ${curl}
        mkdir -p $out/share
        cp ${certificates} $out/share/
      '';
      # /bin is that of these programs, and the certificates lie beside it.
      boot.initrd.network.postCommands = lib.mkBefore ''
        mkdir -p ${builtins.dirOf place}
        ln -sf "$(readlink -f /bin/curl | sed 's|/bin/curl$||')/share/ca-bundle.crt" ${place}
      '';
    }))
    (lib.mkIf isOn {
      systemd.services.postern-notify = {
        description = "Postern: tell what could not be told in the initrd";
        documentation = [ "man:postern(8)" ];
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ];
        after = [ "network-online.target" ];
        unitConfig.ConditionPathExists = "/run/postern/notify-pending";
        # As initrd/systemd/postern-notify.service has it.
        serviceConfig = {
          Type = "oneshot";
          ExecStart = "-${cfg.package}/bin/postern notify --pending";
          CapabilityBoundingSet = "CAP_SETUID CAP_SETGID CAP_SETPCAP";
          NoNewPrivileges = true;
          UMask = "0077";
          ProtectSystem = "strict";
          ReadWritePaths = "/run/postern";
          ProtectHome = true;
          PrivateTmp = true;
          PrivateDevices = true;
          ProtectKernelTunables = true;
          ProtectKernelModules = true;
          ProtectKernelLogs = true;
          ProtectControlGroups = true;
          ProtectClock = true;
          RestrictNamespaces = true;
          RestrictRealtime = true;
          RestrictSUIDSGID = true;
          RestrictAddressFamilies = "AF_UNIX AF_INET AF_INET6 AF_NETLINK";
          LockPersonality = true;
          MemoryDenyWriteExecute = true;
          SystemCallArchitectures = "native";
        };
      };
    })
  ];
}
