{
  description = "Postern: unlocks the encrypted disks of a machine over SSH before it boots";

  # No input: the module takes the nixpkgs of the system that imports it.
  outputs =
    { self, ... }:
    {
      nixosModules.default = ./module.nix;
      nixosModules.postern = ./module.nix;

      # A function of package.nix's url and hash, or file, to an overlay that has the package as `postern`.
      lib.overlay = binary: final: prev: { postern = final.callPackage ./package.nix binary; };
    };
}
