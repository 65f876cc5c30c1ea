internal import HostPrograms
internal import Linux

/// Runs a script in namespaces of its own, where the network is the loopback interface alone: what it mounts, its addresses
/// and every process that it starts are gone when it has ended, or was killed.
enum Enclosure {
    /// - Parameters:
    ///   - script: for sh; `$1` and so on are the arguments.
    ///   - arguments: what follows.
    ///   - environment: `NAME=value` besides `PATH`.
    ///   - seconds: the longest that it may take.
    ///   - interruption: by which it is ended early.
    /// - Returns: how it ended, or `nil` where there is no unshare(1).
    /// - Throws: `SystemError` where there can be no process.
    static func run(
        _ script: String, _ arguments: [String], environment: [String], seconds: Int,
        _ interruption: Interruption? = nil
    ) throws(SystemError) -> HostProgram.Result? {
        guard let program = HostProgram.find("unshare") else { return nil }
        return try HostProgram.run(
            [program, "--mount", "--net", "--pid", "--fork", "--kill-child", "/bin/sh", "-euc", script, "sh"]
                + arguments,
            environment: environment, seconds: seconds, interruption: interruption)
    }

    /// For a script: each host of the ssh configuration `$1/config` that is named in the file `$1/hosts` is asked for the
    /// command behind its name, within $SECONDS_FOR_LOGIN, with what ssh writes in `$1/HOST.out` and `$1/HOST.log`, and its exit status, 124 for one
    /// that took too long, in `$1/HOST.status`.
    static let logins = #"""
        while read -r host command; do
            status=0
            timeout -k 1 "$SECONDS_FOR_LOGIN" ssh -v -F "$1/config" "$host" "$command" </dev/null >"$1/$host.out" 2>"$1/$host.log" || status=$?
            echo "$status" >"$1/$host.status"
        done <"$1/hosts"
        """#

    /// For a script: the loopback interface, with the addresses that are named in the file `$1/addresses`; those that it
    /// cannot have are in `$1/missing`.
    static let network = #"""
        ip link set lo up
        while read -r address; do
            case $address in
            127.* | ::1) ;;
            *:*) ip address add "$address/128" dev lo nodad || echo "$address" >>"$1/missing" ;;
            *) ip address add "$address/32" dev lo || echo "$address" >>"$1/missing" ;;
            esac
        done <"$1/addresses"
        """#
}
