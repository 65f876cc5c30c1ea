internal import Agent
internal import CLinux
internal import Linux

/// The program that lies in the initrd: the agent, and what the boot calls. `postern` on the booted machine has these
/// commands, too.
@main
enum Initrd {
    static func main() {
        let usage = AgentCommands.usage + "\n" + AgentCommands.fileUsage
        exit(
            runProgram { arguments in
                AgentCommands.run(arguments, usage: usage)
                    ?? AgentCommands.misused(
                        "\(printable(arguments[0])) is no command of the initrd's program; the booted machine's may have it",
                        usage)
            })
    }
}
