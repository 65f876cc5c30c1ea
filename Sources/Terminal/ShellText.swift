extension Report {
    /// What stands above a shell at a terminal.
    public static func shellBanner(_ host: String) -> String {
        var text = "You are root in the initrd of "
        text += Text.clean(host)
        text += """
            . Postern does not see what you type
            here: to enter a passphrase, log in once more. This shell ends when the boot
            continues.

            """
        return text
    }
}
