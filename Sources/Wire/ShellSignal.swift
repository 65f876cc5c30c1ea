/// The signals that pass between a client and a shell, with the names of RFC 4254 (section 6.10). The numbers are those of
/// x86-64 and arm64.
public enum ShellSignal {
    private static let all: [(name: String, number: UInt8)] = [
        ("HUP", 1), ("INT", 2), ("QUIT", 3), ("ILL", 4), ("ABRT", 6), ("FPE", 8), ("KILL", 9), ("USR1", 10),
        ("SEGV", 11), ("USR2", 12), ("PIPE", 13), ("ALRM", 14), ("TERM", 15),
    ]

    /// Its name, or `nil` where it has none in that RFC.
    public static func name(of number: UInt8) -> String? {
        all.first { $0.number == number }?.name
    }

    /// The number of the signal of this name, or `nil`.
    public static func number(of name: String) -> UInt8? {
        all.first { $0.name == name }?.number
    }
}

/// What a shell is told of its terminal.
public enum ShellTerminal {
    /// Whether it may be the value of TERM: letters, digits, and few signs, which no program takes for anything else.
    public static func isType(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= Limits.terminalType
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "_"):
                    true
                case UInt8(ascii: "."): name.utf8.first != byte
                default: false
                }
            }
    }

    /// What stands for a type that may not be passed on.
    public static let plain = "vt100"
}
