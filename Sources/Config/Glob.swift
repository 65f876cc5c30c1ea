/// Whether a shell-style pattern takes a whole name: `*` stands for any bytes, `?` for any one.
///
/// It runs in time of pattern times name at worst: a pattern of stars must not hold up a boot.
func glob(_ pattern: some Collection<UInt8>, matches name: some Collection<UInt8>) -> Bool {
    let pattern = Array(pattern)
    let name = Array(name)
    var p = 0
    var n = 0
    // Where the last star stood, and the first byte it does not cover yet.
    var star: (pattern: Int, name: Int)?
    while n < name.count {
        if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
            star = (p, n)
            p += 1
        } else if p < pattern.count, pattern[p] == name[n] || pattern[p] == UInt8(ascii: "?") {
            p += 1
            n += 1
        } else if let back = star {
            star = (back.pattern, back.name + 1)
            p = back.pattern + 1
            n = back.name + 1
        } else {
            return false
        }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
}

func isPattern(_ text: some Sequence<UInt8>) -> Bool {
    text.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
}

/// Whether a name is like a pattern with `*` and `?`.
public func isName(_ name: String, like pattern: String) -> Bool { glob(pattern.utf8, matches: name.utf8) }
