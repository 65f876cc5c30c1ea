public import SSH
public import Wire

extension LoginRules {
    /// The gate that a session and its signer both keep: neither relies on the other's.
    public var gate: Gate {
        Gate(
            keys: keys.map { key in
                LoginKey(
                    blob: key.blob, refusal: refusal(of: key), noTouchRequired: key.noTouchRequired, title: key.title)
            },
            mostFailures: Int(clamping: maxAuthTries))
    }
}
