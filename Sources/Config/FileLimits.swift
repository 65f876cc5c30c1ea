/// How much a file may ask of its reader: generous for what people write, small for the memory of an initrd.
public enum FileLimits {
    /// The largest file, in bytes. What lies beyond is not read.
    public static let fileBytes = 1 << 20
    /// The longest line of postern.conf and crypttab, in bytes.
    public static let lineBytes = 4096
    /// The longest line of authorized_keys, in bytes: a 16384 bit RSA key takes 2800.
    public static let keyLineBytes = 16 << 10
    /// Findings listed for one file. A file of rubbish must not fill the kernel log.
    public static let findings = 100

    /// Each port and address costs a listening socket.
    public static let ports = 16
    public static let listenAddresses = 32
    /// Host keys, authorized_keys files and consoles, of each.
    public static let paths = 16
    public static let volumeRules = 1024
    public static let datasets = 16
    public static let arrayRules = 64
    /// Patterns in one `Array` line.
    public static let arrayMembers = 256
    /// `Notify` lines: each may cost the boot its share of three seconds.
    public static let notify = 8
    /// The longest URL of one, in bytes.
    public static let notifyURL = 1024

    /// Volumes of one crypttab.
    public static let volumes = 1024
    /// The longest device-mapper name in bytes (`DM_NAME_LEN` is 128, with its zero).
    public static let volumeName = 127
    /// The longest path in bytes (`PATH_MAX` is 4096, with its zero).
    public static let path = 4095

    /// Keys of one authorized_keys file.
    public static let keys = 1024
    /// Patterns in one `from=` option.
    public static let fromPatterns = 256
}
