//! Who writes the rules of a chain: one table, by the chain's name and the rule's comment.
//!
//! Facts are what these programs are seen to write; a person's own rules have no owner.

/// A program that writes rules, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name.
    pub name: &'static str,
    /// What a chain of this kind is for; empty where nothing is to be said.
    pub role: &'static str,
}

/// How a row of the table is recognised.
enum By {
    /// The chain begins with this.
    Starts(&'static str),
    /// The chain is this.
    Is(&'static str),
    /// The rule's comment holds this.
    Says(&'static str),
}

/// The more exact rows first.
const TABLE: &[(By, &str, &str)] = &[
    (By::Starts("KUBE-SVC-"), "kube-proxy", "picks an endpoint of a Service"),
    (By::Starts("KUBE-SVL-"), "kube-proxy", "picks an endpoint of a Service on this node"),
    (By::Starts("KUBE-SEP-"), "kube-proxy", "one endpoint of a Service"),
    (By::Starts("KUBE-EXT-"), "kube-proxy", "a Service reached from outside the cluster"),
    (By::Starts("KUBE-XLB-"), "kube-proxy", "a Service reached from outside the cluster"),
    (By::Starts("KUBE-FW-"), "kube-proxy", "who may use a load balancer address"),
    (By::Is("KUBE-SERVICES"), "kube-proxy", "the addresses of Services"),
    (By::Is("KUBE-EXTERNAL-SERVICES"), "kube-proxy", "Services that cannot be reached from outside"),
    (By::Is("KUBE-NODEPORTS"), "kube-proxy", "the node ports of Services"),
    (By::Is("KUBE-POSTROUTING"), "kube-proxy", "rewrites the source of marked packets"),
    (By::Is("KUBE-MARK-MASQ"), "kube-proxy", "marks packets whose source is to be rewritten"),
    (By::Is("KUBE-MARK-DROP"), "kubelet", "marks packets that are to be dropped"),
    (By::Is("KUBE-FORWARD"), "kube-proxy", "lets packets of Services pass"),
    (By::Is("KUBE-PROXY-FIREWALL"), "kube-proxy", "who may use a load balancer address"),
    (By::Is("KUBE-FIREWALL"), "kubelet", "guards the node's own loopback addresses"),
    (By::Is("KUBE-IPTABLES-HINT"), "kubelet", "tells others which backend is in use"),
    (By::Starts("KUBE-KUBELET-"), "kubelet", ""),
    (By::Starts("KUBE-ROUTER-"), "kube-router", ""),
    (By::Starts("KUBE-POD-FW-"), "kube-router", "a pod's network policies"),
    (By::Starts("KUBE-NWPLCY-"), "kube-router", "a network policy"),
    (By::Starts("KUBE-"), "kube-proxy", ""),
    (By::Is("DOCKER-USER"), "docker", "kept for the administrator's own rules"),
    (By::Starts("DOCKER-ISOLATION-"), "docker", "keeps docker networks apart"),
    (By::Is("DOCKER-INGRESS"), "docker swarm", "published ports of swarm services"),
    (By::Is("DOCKER-BRIDGE"), "docker", "published ports of containers"),
    (By::Is("DOCKER-CT"), "docker", "lets answers to containers pass"),
    (By::Is("DOCKER-FORWARD"), "docker", "packets of containers"),
    (By::Is("DOCKER-INTERNAL"), "docker", "networks without a way out"),
    (By::Is("DOCKER_OUTPUT"), "docker", "the name server inside a container"),
    (By::Is("DOCKER_POSTROUTING"), "docker", "the name server inside a container"),
    (By::Is("DOCKER"), "docker", "published ports of containers"),
    (By::Starts("DOCKER"), "docker", ""),
    (By::Is("ufw-user-input"), "ufw", "the administrator's rules"),
    (By::Is("ufw-user-output"), "ufw", "the administrator's rules"),
    (By::Is("ufw-user-forward"), "ufw", "the administrator's rules"),
    (By::Is("ufw6-user-input"), "ufw", "the administrator's rules"),
    (By::Is("ufw-not-local"), "ufw", "drops what is not addressed to this host"),
    (By::Is("ufw-skip-to-policy-input"), "ufw", "straight to the policy, without a log entry"),
    (By::Starts("ufw-before-logging-"), "ufw", ""),
    (By::Starts("ufw-before-"), "ufw", "before the administrator's rules"),
    (By::Starts("ufw-after-"), "ufw", "after the administrator's rules"),
    (By::Starts("ufw-logging-"), "ufw", "logs"),
    (By::Starts("ufw-"), "ufw", ""),
    (By::Starts("ufw6-"), "ufw", ""),
    (By::Starts("IN_"), "firewalld", "a zone's rules for packets to this host"),
    (By::Starts("FWDI_"), "firewalld", "a zone's rules for forwarded packets"),
    (By::Starts("FWDO_"), "firewalld", "a zone's rules for forwarded packets"),
    (By::Starts("FWD_"), "firewalld", "a zone's rules for forwarded packets"),
    (By::Starts("POST_"), "firewalld", "a zone's rules for packets that leave"),
    (By::Starts("PRE_"), "firewalld", "a zone's rules for packets that arrive"),
    (By::Starts("INPUT_ZONES"), "firewalld", "finds the zone of an interface or source"),
    (By::Starts("INPUT_direct"), "firewalld", "direct rules"),
    (By::Starts("FORWARD_IN_ZONES"), "firewalld", "finds the zone of an interface or source"),
    (By::Starts("FORWARD_OUT_ZONES"), "firewalld", "finds the zone of an interface or source"),
    (By::Starts("FORWARD_direct"), "firewalld", "direct rules"),
    (By::Starts("OUTPUT_direct"), "firewalld", "direct rules"),
    (By::Starts("PREROUTING_ZONES"), "firewalld", "finds the zone of an interface or source"),
    (By::Starts("PREROUTING_direct"), "firewalld", "direct rules"),
    (By::Starts("POSTROUTING_ZONES"), "firewalld", "finds the zone of an interface or source"),
    (By::Starts("POSTROUTING_direct"), "firewalld", "direct rules"),
    (By::Starts("cali-tw-"), "calico", "policy towards a workload"),
    (By::Starts("cali-fw-"), "calico", "policy from a workload"),
    (By::Starts("cali-pi-"), "calico", "an inbound policy"),
    (By::Starts("cali-po-"), "calico", "an outbound policy"),
    (By::Starts("cali-pri-"), "calico", "an inbound profile"),
    (By::Starts("cali-pro-"), "calico", "an outbound profile"),
    (By::Starts("cali-"), "calico", ""),
    (By::Starts("CILIUM_"), "cilium", ""),
    (By::Starts("OLD_CILIUM_"), "cilium", ""),
    (By::Starts("FLANNEL-"), "flannel", ""),
    (By::Starts("ANTREA-"), "antrea", ""),
    (By::Starts("WEAVE"), "weave", ""),
    (By::Starts("CNI-HOSTPORT-"), "cni portmap", "host ports of pods"),
    (By::Starts("CNI-DN-"), "cni portmap", "host ports of a pod"),
    (By::Starts("CNI-SN-"), "cni portmap", "host ports of a pod"),
    (By::Starts("CNI-FORWARD"), "cni firewall", ""),
    (By::Starts("CNI-ADMIN"), "cni firewall", "kept for the administrator's own rules"),
    (By::Starts("CNI-"), "cni bridge", "packets of a pod"),
    (By::Starts("NETAVARK"), "podman", ""),
    (By::Starts("LIBVIRT_"), "libvirt", "networks of virtual machines"),
    (By::Starts("f2b-"), "fail2ban", "addresses that are locked out"),
    (By::Starts("fail2ban-"), "fail2ban", "addresses that are locked out"),
    (By::Starts("sshguard"), "sshguard", "addresses that are locked out"),
    (By::Starts("crowdsec"), "crowdsec", "addresses that are locked out"),
    (By::Starts("ISTIO_"), "istio", ""),
    (By::Starts("PROXY_INIT_"), "linkerd", ""),
    (By::Starts("ts-"), "tailscale", ""),
    (By::Starts("MINIUPNPD"), "miniupnpd", "ports that a device asked for"),
    (By::Starts("lxd_"), "lxd", ""),
    (By::Starts("zone_"), "openwrt", "a zone's rules"),
    (By::Starts("neutron-"), "neutron", ""),
    (By::Starts("nova-"), "nova", ""),
    (By::Says("kubernetes"), "kube-proxy", ""),
    (By::Says("cali:"), "calico", ""),
    (By::Says("cilium"), "cilium", ""),
    (By::Says("flanneld"), "flannel", ""),
    (By::Says("generated for LXD"), "lxd", ""),
    (By::Says("libvirt"), "libvirt", ""),
    (By::Says("antrea"), "antrea", ""),
];

/// The owner of a rule in a chain. A rule that one program puts into another's chain is told by its comment.
pub fn owner(chain: &str, comment: Option<&str>) -> Option<Owner> {
    let fits = |by: &By| match by {
        By::Starts(s) => chain.starts_with(s),
        By::Is(s) => chain == *s,
        By::Says(s) => comment.is_some_and(|c| c.contains(s)),
    };
    TABLE.iter().find(|(by, ..)| fits(by)).map(|&(_, name, role)| Owner { name, role })
}

#[cfg(test)]
mod tests {
    use super::owner;

    #[test]
    fn chains_and_comments_tell_who_wrote_a_rule() {
        let name = |chain, comment| owner(chain, comment).map(|o| o.name);
        assert_eq!(name("KUBE-SVC-M2ZVNS2Q7FBQTIYE", None), Some("kube-proxy"));
        assert_eq!(name("KUBE-FIREWALL", None), Some("kubelet"));
        assert_eq!(name("DOCKER-USER", None), Some("docker"));
        assert_eq!(name("INPUT", Some("kubernetes health check service ports")), Some("kube-proxy"));
        assert_eq!(name("INPUT", Some("cali:Cz_u1IQiXIMmKD4c")), Some("calico"));
        assert_eq!(name("INPUT", Some("let the office in")), None);
        assert_eq!(name("MYCHAIN", None), None);
        assert_eq!(owner("KUBE-SEP-X", None).map(|o| o.role), Some("one endpoint of a Service"));
    }
}
