import Config

/// Questions of systemd's programs, as files. An answer goes nowhere but to a socket of their folder.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let question = PasswordQuestion.parse(bytes) else { return 0 }
    let prefix = "/run/systemd/ask-password/sck."
    precondition(question.socket.hasPrefix(prefix) && question.socket.utf8.count < 108)
    precondition(!question.socket.dropFirst(prefix.count).contains("/"))
    precondition(question.process > 0 && question.device.hasPrefix("/"))
    precondition(!question.isOver(now: 0))
    return 0
}
