public enum SessionProcess {
    public static func run() -> Int32 { 1 }
}
