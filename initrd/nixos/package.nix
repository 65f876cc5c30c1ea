# The agent as a package: a released binary, or one that `initrd/build` made. It is static, so nothing is linked to it here.
#
#   pkgs.callPackage ./package.nix { url = "https://…/postern-0.1.0-linux-arm64"; hash = "sha256-…"; }
#   pkgs.callPackage ./package.nix { file = ./postern; }
{
  lib,
  stdenvNoCC,
  fetchurl,
  version ? "0.1.0",
  url ? null,
  hash ? null,
  file ? null,
}:

stdenvNoCC.mkDerivation {
  pname = "postern";
  inherit version;

  src =
    if file != null then
      file
    else if url != null && hash != null then
      fetchurl { inherit url hash; }
    else
      throw "postern: there is no binary; give package.nix the url and the hash of a release, or the file that initrd/build made, and set boot.initrd.postern.package to the result";

  dontUnpack = true;
  dontConfigure = true;
  dontBuild = true;
  # Nothing in it names the store, and the build has stripped it.
  dontFixup = true;

  installPhase = ''
    mkdir -p "$out/bin"
    cp "$src" "$out/bin/postern"
    chmod 0555 "$out/bin/postern"
  '';

  doInstallCheck = true;
  installCheckPhase = ''
    "$out/bin/postern" --version
  '';

  meta = {
    description = "Unlocks the encrypted disks of a machine over SSH before it boots";
    mainProgram = "postern";
    # libcryptsetup, linked in, makes it so.
    license = lib.licenses.gpl3Only;
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
    sourceProvenance = [ lib.sourceTypes.binaryNativeCode ];
  };
}
