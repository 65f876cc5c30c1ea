public enum WorkerProcess {
    public static func run() -> Int32 { 1 }
}
