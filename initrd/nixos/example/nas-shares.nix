# services.nas: one list of shares, served by Samba and NFS.
#
# For NixOS 24.11 and later. It is no part of boot.initrd.postern and needs nothing of it: nas.nix has it.
#
# What holds for every share:
# - Nothing is served whose file system is not mounted: a share of a missing pool would be an empty folder of the root's
#   pool, and what clients write there would be hidden as soon as the pool comes back.
# - Samba speaks SMB 3 on port 445 alone, to members of one group, and to no guest.
# - NFS speaks version 4 on port 2049 alone, to the clients that are named, and everybody there counts as a member of the
#   group. It believes what these clients say: name only machines whose root you trust.
{ config, lib, ... }:
let
  inherit (builtins) attrNames attrValues mapAttrs;
  inherit (lib)
    concatMapStrings
    concatStringsSep
    filterAttrs
    mapAttrs'
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    nameValuePair
    optional
    types
    ;
  cfg = config.services.nas;

  # Without spaces and quotes: these paths stand in exports(5), in fstab(5) and in RequiresMountsFor=, each of which has
  # a quoting of its own.
  path = types.strMatching "(/[A-Za-z0-9][A-Za-z0-9._-]*)+";

  share =
    { name, ... }:
    {
      options = {
        path = mkOption {
          type = path;
          example = "/data/photos";
          description = "The folder to share. It is made if it is not there, and belongs to the group.";
        };
        samba = {
          enable = mkOption {
            type = types.bool;
            default = true;
            description = "Whether Samba serves the share.";
          };
          readonly = mkOption {
            type = types.bool;
            default = false;
            description = "Whether it is read-only for clients of Samba.";
          };
        };
        nfs = {
          enable = mkOption {
            type = types.bool;
            default = true;
            description = "Whether NFS serves the share.";
          };
          readonly = mkOption {
            type = types.bool;
            default = false;
            description = "Whether it is read-only for clients of NFS.";
          };
          path = mkOption {
            type = path;
            default = "/export/${name}";
            defaultText = "/export/\${name}";
            description = "Where clients of NFS find it: the folder is bound there.";
          };
          clients = mkOption {
            type = types.listOf types.str;
            default = cfg.nfs.clients;
            defaultText = "config.services.nas.nfs.clients";
            example = [ "192.0.2.20" ];
            description = "Who may mount it, as exports(5) names machines. There is no default for everybody.";
          };
        };
      };
    };

  byName = attrNames cfg.shares;
  samba = filterAttrs (_: s: s.samba.enable) cfg.shares;
  nfs = filterAttrs (_: s: s.nfs.enable) cfg.shares;

  # `no_subtree_check`: a bind mount exports all of what it shows, there is no subtree to check.
  exportLine =
    s:
    let
      options = "${if s.nfs.readonly then "ro" else "rw"},no_subtree_check,all_squash,anongid=${toString cfg.gid}";
    in
    concatStringsSep " " ([ s.nfs.path ] ++ map (client: "${client}(${options})") s.nfs.clients) + "\n";

  servers =
    optional (samba != { }) "samba-smbd.service" ++ optional (nfs != { }) "nfs-server.service";
in
{
  options.services.nas = {
    enable = mkEnableOption "the shares of `services.nas.shares`";
    group = mkOption {
      type = types.str;
      default = "nas";
      description = "The group that owns the shares' files and whose members may use them.";
    };
    gid = mkOption {
      type = types.int;
      default = 989;
      description = "Its number, which exports(5) wants to know.";
    };
    users = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "daniel" ];
      description = "The group's members. Samba keeps passwords of its own: `smbpasswd -a NAME`, once for each.";
    };
    nfs.clients = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.0/28" ];
      description = "Clients of NFS for every share that names none itself.";
    };
    shares = mkOption {
      type = types.attrsOf (types.submodule share);
      default = { };
      description = "What is shared, by its name.";
    };
  };

  config = mkIf cfg.enable (mkMerge [
    {
      assertions = map (name: {
        assertion = cfg.shares.${name}.nfs.enable -> cfg.shares.${name}.nfs.clients != [ ];
        message = "services.nas.shares.${name}: no client may mount it with NFS; name them in services.nas.nfs.clients, or set nfs.enable = false.";
      }) byName
      ++ map (name: {
        # smb.conf(5) has meanings of its own for these sections.
        assertion =
          builtins.match "[A-Za-z0-9][A-Za-z0-9._-]*" name != null
          && !(builtins.elem name [
            "global"
            "homes"
            "printers"
          ]);
        message = "services.nas.shares.${name}: Samba cannot have a share of this name; choose another of letters, digits and ._-";
      }) byName;

      users.groups.${cfg.group} = {
        inherit (cfg) gid;
        members = cfg.users;
      };

      # Not systemd.tmpfiles: that runs before the pools are mounted, and would make the folders below the mount points.
      systemd.services.nas-shares = {
        description = "Folders of the shares";
        unitConfig.RequiresMountsFor = map (s: s.path) (attrValues cfg.shares);
        requiredBy = servers;
        before = servers;
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
        };
        # The set-group-ID bit keeps what is made in there with the group, also by way of NFS.
        script = concatMapStrings (s: "install -d -g ${cfg.group} -m 2770 ${s.path}\n") (
          attrValues cfg.shares
        );
      };
    }

    (mkIf (samba != { }) {
      services.samba = {
        enable = true;
        # NetBIOS names and browsing are what SMB 1 needed; domains are not served.
        nmbd.enable = false;
        winbindd.enable = false;
        settings = {
          global = {
            "server min protocol" = "SMB3_00";
            "disable netbios" = true;
            "smb ports" = 445;
            "load printers" = false;
          };
        }
        // mapAttrs (_: s: {
          inherit (s) path;
          "read only" = s.samba.readonly;
          "guest ok" = false;
          "valid users" = [ "@${cfg.group}" ];
          "force group" = cfg.group;
          "create mask" = "0660";
          "directory mask" = "2770";
        }) samba;
      };
      networking.firewall.allowedTCPPorts = [ 445 ];
    })

    (mkIf (nfs != { }) {
      services.nfs.server = {
        enable = true;
        exports = concatMapStrings exportLine (attrValues nfs);
      };
      # Version 4 alone: one port, and nobody who asks rpcbind.
      services.nfs.settings.nfsd.vers3 = false;
      networking.firewall.allowedTCPPorts = [ 2049 ];
      # `nofail` takes the mount out of the order before local-fs.target, so that it can come after a service.
      fileSystems = mapAttrs' (
        _: s:
        nameValuePair s.nfs.path {
          device = s.path;
          fsType = "none";
          options = [
            "bind"
            "nofail"
            "x-systemd.requires=nas-shares.service"
          ];
        }
      ) nfs;
      systemd.services.nfs-server.unitConfig.RequiresMountsFor = map (s: s.nfs.path) (attrValues nfs);
    })
  ]);
}
