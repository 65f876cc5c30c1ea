import Config

/// Questions of systemd's programs, as files. An answer goes nowhere but to a socket of their folder.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let question = PasswordQuestion.parse(bytes) else { return 0 }
    let folder = "/run/systemd/ask-password/"
    precondition(question.socket.hasPrefix(folder) && question.socket.utf8.count < 108)
    let name = question.socket.dropFirst(folder.count).drop { $0 == "/" }
    precondition(name.hasPrefix("sck.") && !name.contains("/"))
    // A device's path, or a dataset's name.
    let isName =
        !question.subject.isEmpty
        && question.subject.allSatisfy { character in
            character.isASCII && (character.isLetter || character.isNumber || "-_.: /".contains(character))
        }
    precondition(question.process > 0 && (question.subject.hasPrefix("/") || isName))
    precondition(!question.isOver(now: 0))
    return 0
}
