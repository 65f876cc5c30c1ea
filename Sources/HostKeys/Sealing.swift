internal import CLinux
internal import Config
internal import ConfigFiles
internal import HostPrograms
internal import Linux

/// Seals host keys to this machine's TPM, and tries whether it opens them, by systemd-creds(1).
public enum Sealing {
    /// The sealed key where no `HostKey` names one.
    static let defaultFile = "/etc/postern/ssh_host_tpm_key" + SealedKey.suffix
    /// Secure Boot: whether it is on, and whose signatures count.
    static let defaultRegisters = [7]

    /// Why nothing can be sealed to a PCR, or `nil`: the sealed key lies in what some of them measure, and others change
    /// between the initrd and now.
    static func problem(withRegister number: Int) -> String? {
        switch number {
        case 9, 11: "PCR \(number) measures the initrd, in which the sealed key lies"
        case 10, 15: "PCR \(number) changes while the machine boots"
        case 0...23: nil
        default: "there is no PCR \(number)"
        }
    }

    /// Reads numbers with `+` or commas between them; `none` is none.
    static func registers(_ text: String) -> [Int]? {
        if text == "none" { return [] }
        var numbers: [Int] = []
        let separators = [UInt8(ascii: "+"), UInt8(ascii: ",")]
        for word in text.utf8.split(omittingEmptySubsequences: false, whereSeparator: { separators.contains($0) }) {
            guard let number = Int(String(decoding: Array(word), as: UTF8.self)), number >= 0 else { return nil }
            if !numbers.contains(number) { numbers.append(number) }
        }
        return numbers.sorted()
    }

    /// Such as `7+14`.
    static func text(_ registers: [Int]) -> String {
        var text = ""
        for number in registers { text += (text.isEmpty ? "" : "+") + String(number) }
        return text
    }

    /// What the TPM must find as it was, for a person.
    public static func title(_ registers: [Int]) -> String {
        registers.isEmpty ? "whatever is booted" : "while PCR " + text(registers) + " is as it is"
    }

    /// What changes a PCR, for a person; <https://uapi-group.org/specifications/specs/linux_tpm_pcr_registry/>.
    public static func change(of register: Int) -> String {
        switch register {
        case 0, 2: "an update of the firmware"
        case 1, 3: "another setting of the firmware"
        case 4: "an update of the boot loader, and of a kernel that the firmware starts"
        case 5: "another partition table, or another setting of the boot loader"
        case 7: "Secure Boot that is switched on or off, or has other certificates"
        case 8: "another kernel, or other settings of GRUB"
        case 12: "another kernel command line"
        case 14: "other keys of shim (mokutil)"
        default: "whatever extends PCR " + String(register)
        }
    }

    /// Seals the key in a file.
    ///
    /// - Returns: why that failed, or `nil`.
    static func seal(_ key: String, to file: String, _ registers: [Int]) -> String? {
        guard let program = program else { return "there is no systemd-creds; install systemd 250 or later" }
        let new = file + ".new"
        Files.remove(new)
        do throws(SystemError) {
            let made = try HostProgram.run(
                [
                    program, "encrypt", "--with-key=tpm2", "--tpm2-pcrs=" + text(registers),
                    "--name=" + SealedKey.credential, key, "-",
                ], environment: environment, seconds: 60)
            guard made.succeeded else { return "systemd-creds: " + made.failure }
            if let problem = SealedKey.problem(made.output) { return "systemd-creds: " + problem }
            try Files.replace(file, with: made.output, mode: 0o600)
            return nil
        } catch { return error.description }
    }

    /// Has the TPM open a sealed key, and forgets it.
    ///
    /// - Returns: why it does not, or `nil`.
    public static func problem(openingKey file: String) -> String? {
        guard let program = program else { return "there is no systemd-creds" }
        do throws(SystemError) {
            let opened = try HostProgram.run(
                [
                    "/bin/sh", "-c", "exec \"$@\" >/dev/null", "sh", program, "decrypt",
                    "--name=" + SealedKey.credential,
                    file, "-",
                ], environment: environment, seconds: 30)
            return opened.succeeded ? nil : opened.failure
        } catch { return error.description }
    }

    private static var program: String? { HostProgram.find("systemd-creds") }

    /// The TPM, where systemd's programs are to take another one.
    private static var environment: [String] {
        guard let device = unsafe linux_tpm_device() else { return [] }
        let name = unsafe String(cString: device)
        return ["SYSTEMD_TPM2_DEVICE=" + name]
    }
}
