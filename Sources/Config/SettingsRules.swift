/// `Volume`, `Array` and `Dataset` lines.
extension SettingsParser {
    mutating func parseVolume(_ line: SettingsLine) -> Bool {
        let usage = "write Volume NAME take, Volume NAME leave, or Volume NAME fallback"
        guard line.values.count == 2 else {
            return refuse(line.number, "Volume has \(line.values.count) values and takes two", usage)
        }
        let name = line.values[0]
        guard let treatment = VolumeRule.Treatment(lowercased(line.values[1].utf8)) else {
            return refuse(
                line.number, "Volume \(quoted(line.values[1])) is neither take nor leave nor fallback", usage)
        }
        if let problem = volumeNameProblem(name.utf8) {
            return refuse(line.number, "the volume name \(quoted(name)) \(problem)", "write the name crypttab gives it")
        }
        guard !settings.volumes.contains(where: { same($0.name, name) }) else {
            return refuse(line.number, "Volume \(quoted(name)) is given twice", "remove one of the two")
        }
        guard settings.volumes.count < FileLimits.volumeRules else {
            return refuse(line.number, "Volume is given more than \(FileLimits.volumeRules) times", "remove some")
        }
        settings.volumes.append(VolumeRule(name: name, treatment: treatment))
        return true
    }

    mutating func parseArray(_ line: SettingsLine) -> Bool {
        let name = line.values[0]
        let members = Array(line.values.dropFirst(2))
        guard !members.isEmpty else {
            return refuse(
                line.number, "Array \(quoted(name)) has no members",
                "write Array NAME POLICY MEMBERS, such as Array storage quorum=5 storage-*")
        }
        guard let policy = policy(line.values[1], members: members, line.number) else { return false }
        if let problem = volumeNameProblem(name.utf8) {
            return refuse(line.number, "the array name \(quoted(name)) \(problem)", "write another name")
        }
        for member in members {
            guard let problem = volumeNameProblem(member.utf8) else { continue }
            return refuse(line.number, "the member \(quoted(member)) \(problem)", "write names that crypttab gives")
        }
        guard !settings.arrays.contains(where: { same($0.name, name) }) else {
            return refuse(line.number, "Array \(quoted(name)) is given twice", "give one of the two another name")
        }
        guard settings.arrays.count < FileLimits.arrayRules, members.count <= FileLimits.arrayMembers else {
            return refuse(
                line.number,
                "there are more than \(FileLimits.arrayRules) arrays, or \(FileLimits.arrayMembers) members",
                "name members with a pattern such as storage-*")
        }
        settings.arrays.append(ArrayRule(name: name, policy: policy, members: members))
        return true
    }

    mutating func parseDataset(_ name: String, _ line: Int) -> Bool {
        guard isDatasetName(name.utf8) else {
            return refuse(
                line, "Dataset \(quoted(name)) is no name of a dataset",
                "write it as zfs list has it, such as rpool/ROOT")
        }
        guard !settings.datasets.contains(where: { same($0, name) }) else {
            return refuse(line, "Dataset \(quoted(name)) is given twice", "remove one of the two")
        }
        guard settings.datasets.count < FileLimits.datasets else {
            return refuse(line, "Dataset is given more than \(FileLimits.datasets) times", "remove some")
        }
        settings.datasets.append(name)
        return true
    }

    private mutating func policy(_ value: String, members: [String], _ line: Int) -> ArrayRule.Policy? {
        let word = lowercased(value.utf8)
        if word.isText("all") { return .all }
        if word.isText("any") { return .any }
        guard word.startsWithText("quorum="), let count = number(word[7...], in: 1...FileLimits.volumes) else {
            _ = refuse(
                line, "the policy \(quoted(value)) is not understood",
                "write all, any, or quorum=N with N from 1 to \(FileLimits.volumes)")
            return nil
        }
        if count > members.count, !members.contains(where: { isPattern($0.utf8) }) {
            _ = refuse(
                line, "quorum=\(count) can never be met by \(members.count) members",
                "write at most quorum=\(members.count)")
            return nil
        }
        return .quorum(count)
    }
}

/// Whether a dataset of ZFS can have this name: parts between slashes, each of letters, digits and `-_.: `. zfsconcepts(7)
func isDatasetName(_ name: some Collection<UInt8>) -> Bool {
    let name = Array(name)
    guard name.count <= FileLimits.volumeName else { return false }
    let parts = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    return parts.allSatisfy { part in
        guard part.first != UInt8(ascii: " "), part.last != UInt8(ascii: " ") else { return false }
        return !part.isEmpty
            && part.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"), 0x20: true
                default: false
                }
            }
    }
}

/// Why device-mapper cannot have a volume of this name, or `nil` when it can.
func volumeNameProblem(_ name: some Collection<UInt8>) -> String? {
    let name = Array(name)
    if name.isEmpty { return "is empty" }
    if name.count > FileLimits.volumeName { return "is longer than \(FileLimits.volumeName) bytes" }
    if name.contains(UInt8(ascii: "/")) { return "contains a slash" }
    // The last is device-mapper's own node in /dev/mapper.
    if name.isText(".") || name.isText("..") || name.isText("control") { return "cannot be a name in /dev/mapper" }
    if name.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return "contains a control character" }
    return nil
}
