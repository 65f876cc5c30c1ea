/// The commands that a person types.
enum CommandLine {
    static func run(_ arguments: [String]) -> Int32 {
        print("usage: postern agent|check|-T -f FILE")
        return 2
    }
}
