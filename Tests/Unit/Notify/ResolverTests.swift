import Testing

@testable import Notify

/// The resolv.conf that is made of what an initrd's network was told.
@Suite struct ResolverTests {
    private func made(_ present: String, _ told: String) -> String? {
        Resolver.file(Array(present.utf8), told: Array(told.utf8)).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    @Test(
        arguments: [
            ("DEVICE='eth0'\nIPV4DNS0='10.0.2.3'\nIPV4DNS1='0.0.0.0'\nIPV4GATEWAY='10.0.2.2'\n", ["10.0.2.3"]),
            ("# generated\nOPER_STATE=routable\nDNS=10.0.2.3 fec0::3\nNTP=192.0.2.9\n", ["10.0.2.3", "fec0::3"]),
            ("#PROTO: DHCP\ndomain x\nnameserver 10.0.2.3\nbootserver 10.0.2.2\n", ["10.0.2.3"]),
            ("DNS=1.1.1.1 2.2.2.2 1.1.1.1 3.3.3.3 4.4.4.4", ["1.1.1.1", "2.2.2.2", "3.3.3.3"]),
        ])
    func `the servers are those that were named, three at most`(source: String, servers: [String]) {
        #expect(made("", source) == Resolver.mark + servers.map { "nameserver \($0)\n" }.joined())
    }

    @Test func `a file that names servers stays, unless it is ours and there are others by now`() {
        #expect(made("search x\nnameserver 127.0.0.53\n", "DNS=1.1.1.1") == nil)
        #expect(made("search x\noptions 127.0.0.53\n", "DNS=1.1.1.1") != nil)
        let ours = made("", "DNS=1.1.1.1") ?? ""
        #expect(made(ours, "DNS=1.1.1.1") == nil)
        #expect(made(ours, "DNS=2.2.2.2") == Resolver.mark + "nameserver 2.2.2.2\n")
        #expect(made(ours, "") == nil)
        #expect(made("", "DNS=\nDNS=nonsense\nIPV4DNS0=''\nIPV4DNS0='$(reboot)'\nMYDNS=1.1.1.1\n") == nil)
    }
}
