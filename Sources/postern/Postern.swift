internal import Agent
internal import CLinux

/// The program of the booted machine.
@main
enum Postern {
    static func main() {
        exit(runProgram(CommandLine.run))
    }
}
