internal import BootLoader
internal import Linux
internal import Wire

/// The jobs about the entries of the boot loader.
enum Entries {
    /// The entries that there are. In a rehearsal nothing is mounted.
    static func read(rehearsal: Bool) -> WorkerReport {
        Capabilities.keep(for: .readEntries)
        return answer { () throws(EntriesError) in
            try .entries(list(try opened(writable: false, rehearsal: rehearsal)))
        }
    }

    /// Chooses an entry for the next boot alone, and nothing where there is no such one: then the answer is the list.
    static func choose(_ id: String) -> WorkerReport {
        Capabilities.keep(for: .chooseEntry)
        return answer { () throws(EntriesError) in
            let variables = try opened(writable: true, rehearsal: false)
            let entries = try list(variables)
            guard entries.contains(where: { $0.id == id }) else { return .entries(entries) }
            // A loader that says nothing of itself may take it or not.
            if let features = try value("LoaderFeatures", variables), !LoaderVariables.takesOneShot(features) {
                throw .noOneShot
            }
            let wanted = LoaderVariables.bytes(id)
            do throws(SystemError) { try variables.set(name("LoaderEntryOneShot"), to: wanted) } catch {
                throw .system(error)
            }
            guard try value("LoaderEntryOneShot", variables) == wanted else { throw .notKept }
            return .entryChosen
        }
    }

    private static func answer(_ body: () throws(EntriesError) -> WorkerReport) -> WorkerReport {
        do throws(EntriesError) { return try body() } catch { return .done(.failed(because: error.description)) }
    }

    private static func opened(writable: Bool, rehearsal: Bool) throws(EntriesError) -> FirmwareVariables {
        guard FirmwareVariables.areThere else { throw .noEFI }
        do throws(SystemError) {
            if rehearsal { return try FirmwareVariables(mounted: "/sys/firmware/efi/efivars") }
            return try FirmwareVariables(writable: writable)
        } catch { throw .system(error) }
    }

    private static func list(_ variables: borrowing FirmwareVariables) throws(EntriesError) -> [BootEntry] {
        let ids = try texts("LoaderEntries", variables)
        guard !ids.isEmpty else { throw .noList }
        let current = try texts("LoaderEntrySelected", variables).first
        let standard = LoaderVariables.standard(
            try texts("LoaderEntryDefault", variables).first,
            lastBooted: try texts("LoaderEntryLastBooted", variables).first)
        let next = try texts("LoaderEntryOneShot", variables).first
        return ids.map { BootEntry(id: $0, isCurrent: $0 == current, isDefault: $0 == standard, isNext: $0 == next) }
    }

    private static func texts(
        _ variable: String, _ variables: borrowing FirmwareVariables
    ) throws(EntriesError) -> [String] {
        LoaderVariables.texts(try value(variable, variables) ?? [])
    }

    private static func value(
        _ variable: String, _ variables: borrowing FirmwareVariables
    ) throws(EntriesError) -> [UInt8]? {
        do throws(SystemError) {
            return try variables.value(of: name(variable), limit: LoaderVariables.largest)
        } catch { throw .system(error) }
    }

    private static func name(_ variable: String) -> String { variable + "-" + LoaderVariables.vendor }
}

/// Why the entries of the boot loader cannot be read, or none be chosen.
enum EntriesError: Error, Equatable, CustomStringConvertible {
    case noEFI
    case noList
    case noOneShot
    case notKept
    case system(SystemError)

    /// GRUB reads a choice from its file grubenv in /boot. Postern does not write there: the initrd has not mounted /boot, which
    /// may lie in a volume that is still locked, and on a file system whose journal the boot is yet to replay.
    private static let grub = "; for GRUB, Postern would have to write the choice into /boot, which is not mounted yet"

    var description: String {
        switch self {
        case .noEFI:
            "this machine was not started by EFI, in whose variables systemd-boot lists its entries" + EntriesError.grub
        case .noList: "the boot loader has left no list of its entries, as systemd-boot does" + EntriesError.grub
        case .noOneShot: "the boot loader takes no choice for the next boot alone"
        case .notKept: "the firmware did not keep the choice"
        case .system(let error): error.description
        }
    }
}
