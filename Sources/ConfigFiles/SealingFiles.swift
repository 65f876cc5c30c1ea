/// What an initrd needs besides Postern so that its TPM opens a sealed host key.
public enum SealingFiles {
    /// A file, by the paths at which it may be.
    public struct File {
        public let paths: [String]
    }

    /// What to do where one is not there.
    public static let remedy = "install tpm2-tools and the package of libtss2-tcti-device"

    public static let programs = ["/usr/bin/systemd-creds", "/bin/systemd-creds"]
    /// systemd-creds opens them by their names, so that no list of what it is linked with has them.
    private static let libraries = [
        "libtss2-esys.so.0", "libtss2-rc.so.0", "libtss2-mu.so.0", "libtss2-tcti-device.so.0",
    ]
    private static let folders = [
        "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib",
    ]

    public static var all: [File] {
        [File(paths: programs)] + libraries.map { name in File(paths: folders.map { $0 + "/" + name }) }
    }
}
