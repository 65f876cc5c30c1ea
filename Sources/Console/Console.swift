public enum ConsoleProcess {
    public static func run() -> Int32 { 1 }
}
