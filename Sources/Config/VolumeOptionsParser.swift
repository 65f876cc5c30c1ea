internal import Linux

/// Reads the fourth field of one crypttab line.
struct VolumeOptionsParser {
    private(set) var options = VolumeOptions()
    /// What the options make of the third field.
    private(set) var keyArgument = KeyArgument.none
    private var notGiven: [[UInt8]] = []
    private var format: VolumeFormat
    private let system: InitrdSystem
    private let name: String
    private let line: Int

    enum KeyArgument {
        case none
        /// An argument for a script that only asks.
        case askingScript
        /// An argument for somebody else's script.
        case otherScript
    }

    init(_ system: InitrdSystem, volume name: String, line: Int) {
        self.system = system
        format = VolumeFormat(system)
        self.name = name
        self.line = line
    }

    /// Reads a list as it stands in the file. A comma in a value is written `\,` (systemd) or `\054`.
    mutating func parse(_ field: ArraySlice<UInt8>, notes: inout Notes) {
        var option: [UInt8] = []
        var index = field.startIndex
        while index < field.endIndex {
            let byte = field[index]
            let next = index + 1 < field.endIndex ? field[index + 1] : 0
            if byte == UInt8(ascii: "\\"), next == UInt8(ascii: ",") || next == UInt8(ascii: "\\") {
                // Kept as an octal escape: what follows must not be read as one of its own.
                option += escaped([next])
                index += 1
            } else if byte == UInt8(ascii: ",") {
                parseOption(option[...], notes: &notes)
                option = []
            } else {
                option.append(byte)
            }
            index += 1
        }
        parseOption(option[...], notes: &notes)
        options.foreign = format.foreign
        // initramfs-tools opens whatever it has in the image.
        if system == .initramfsTools, options.initramfs { options.noauto = false }
        // With a method such as tpm2-device= the native opener has the volume, and gives the protection; initramfs-tools
        // knows none of them.
        guard !options.isNative, system != .initramfsTools else { return }
        for key in notGiven {
            notes.add(
                line, "the option \(quoted(key)) of \(quoted(name)) asks for a protection that Postern does not give",
                leaving)
        }
    }

    private mutating func parseOption(_ option: ArraySlice<UInt8>, notes: inout Notes) {
        guard !option.isEmpty else { return }
        let key = option.prefix { $0 != UInt8(ascii: "=") }
        let value = key.count < option.count ? option.dropFirst(key.count + 1) : nil
        format.apply(key, value)
        if VolumeOptionNames.unattended.contains(key), let value {
            if system.isUnattended(key) { parseUnattended(key, value) }
        } else if VolumeOptionNames.foreign.contains(key) {
            return
        } else if VolumeOptionNames.flags.contains(key), value == nil {
            parseFlag(key)
        } else if key.isText("try-empty-password") {
            options.tryEmptyPassword = parseSwitch(key, value, notes: &notes)
        } else if key.isText("headless") {
            options.headless = parseSwitch(key, value, notes: &notes)
        } else if VolumeOptionNames.values.contains(key), let value {
            if let remedy = parseValue(key, value) {
                notes.add(
                    line, "the option \(quoted(option)) of \(quoted(name)) is not understood and left out", remedy)
            }
        } else if VolumeOptionNames.notGiven.contains(key) {
            if !(value ?? []).isText("no") { notGiven.append(Array(key)) }
        } else if !VolumeOptionNames.isSilent(key) {
            notes.add(
                line, "the option \(quoted(option)) of \(quoted(name)) is not known and left out",
                remedy(forUnknown: key))
        }
    }

    private func remedy(forUnknown key: ArraySlice<UInt8>) -> String {
        let names = VolumeOptionNames.self
        if names.flags.contains(key) { return "write it without a value" }
        if names.values.contains(key) || names.unattended.contains(key) { return "write \"=\" and a value after it" }
        if let near = nearest(to: key, among: names.all) { return "did you mean \(near)?" }
        return leaving
    }

    private var leaving: String { "remove it, or write \"Volume \(SettingsLine.word(name)) leave\" in postern.conf" }

    private mutating func parseUnattended(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        if key.isText("keyscript") {
            if VolumeOptionNames.asks(keyScript: value) {
                // Of several it runs the last.
                if system == .initramfsTools { (keyArgument, options.unattended) = (.none, nil) }
                if keyArgument == .none { keyArgument = .askingScript }
            } else {
                // It outdoes the other methods, so that it is known of what is rendered that the key is none.
                keyArgument = .otherScript
                options.unattended = "keyscript="
            }
            return
        }
        options.unattended = options.unattended ?? String(decoding: key, as: UTF8.self) + "="
    }

    private mutating func parseFlag(_ key: ArraySlice<UInt8>) {
        if key.isText("luks") { options.luks = true }
        if key.isText("discard") || key.isText("allow-discards") { options.dmCrypt.insert(.discard) }
        if key.isText("readonly") || key.isText("read-only") { options.dmCrypt.insert(.readOnly) }
        // Of a word and its opposite the last holds, as for systemd.
        if key.isText("nofail") || key.isText("fail") { options.nofail = key.isText("nofail") }
        if key.isText("noauto") || key.isText("auto") { options.noauto = key.isText("noauto") }
        if key.isText("same-cpu-crypt") { options.dmCrypt.insert(.sameCPUCrypt) }
        if key.isText("submit-from-crypt-cpus") { options.dmCrypt.insert(.submitFromCryptCPUs) }
        if key.isText("no-read-workqueue") { options.dmCrypt.insert(.noReadWorkqueue) }
        if key.isText("no-write-workqueue") { options.dmCrypt.insert(.noWriteWorkqueue) }
        if key.isText("initramfs") { options.initramfs = true }
        if key.isText("x-initrd.attach") || key.isText("force") { options.xInitrdAttach = true }
    }

    /// - Returns: what to write instead, when the value is not understood.
    private mutating func parseValue(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) -> String? {
        if key.isText("header") {
            guard let header = FileSpec(value) else { return "write an absolute path, or PATH:DEVICE" }
            options.header = header
        } else if key.isText("keyfile-offset") {
            guard let offset = number(value, in: 0...(1 << 40)) else { return "write a number of bytes" }
            options.keyfileOffset = offset
        } else if key.isText("keyfile-size") {
            guard let size = number(value, in: 0...VolumeOptions.keyfileLimit) else {
                return "write a number of bytes, at most \(VolumeOptions.keyfileLimit)"
            }
            options.keyfileSize = size == 0 ? nil : size
        } else if key.isText("key-slot") || key.isText("keyslot") {
            guard let slot = number(value, in: 0...31) else { return "write a number from 0 to 31" }
            options.keySlot = slot
        } else if key.isText("tries") {
            guard let tries = number(value, in: 0...1000) else { return "write a number from 0 (no limit) to 1000" }
            options.tries = tries
        } else if key.isText("x-postern.uuid") {
            guard !value.isEmpty, let uuid = text(value).flatMap(identifier) else { return "write a LUKS UUID" }
            options.uuid = uuid
        } else {
            let span = unescaped(value).flatMap { TimeSpan.systemd(Array($0.utf8)) }
            guard let span else { return "write a time such as 90, 30s or 2min, or 0 for no limit" }
            if key.isText("timeout") { options.timeout = span } else { options.keyfileTimeout = span }
        }
        return nil
    }

    /// Whether an option is on that may say so with a value.
    private func parseSwitch(
        _ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>?, notes: inout Notes
    ) -> Bool {
        guard let value else { return true }
        let word = lowercased(value)
        let yes = word.isText("yes") || word.isText("true") || word.isText("1") || word.isText("on")
        let no = word.isText("no") || word.isText("false") || word.isText("0") || word.isText("off")
        if !yes, !no {
            let option = String(decoding: key, as: UTF8.self)
            notes.add(
                line, "the option \(option) of \(quoted(name)) is neither yes nor no, and left out",
                "write \(option)=yes or no")
        }
        return yes
    }
}

extension VolumeOptionNames {
    /// `x-` begins what fstab(5) leaves to other programs, of which systemd's `x-systemd.*` are the known ones.
    static func isSilent(_ key: ArraySlice<UInt8>) -> Bool {
        silent.contains(key) || key.startsWithText("x-")
    }
}

extension [String] {
    func contains(_ key: some Collection<UInt8>) -> Bool {
        contains { $0.utf8.elementsEqual(key) }
    }
}
