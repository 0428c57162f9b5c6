package reach

import "strings"

// distribution changes what the edge does with requests.
func (m *mutator) distribution() {
	m.remove()
	config := func(what string, f func(map[string]any)) {
		m.change(what, func(p map[string]any) { f(p["DistributionConfig"].(map[string]any)) })
	}
	config("without a firewall", func(c map[string]any) { delete(c, "WebACLId") })
	config("under one more name", func(c map[string]any) { c["Aliases"] = []any{"elsewhere.example.net"} })
	config("with old TLS", func(c map[string]any) {
		c["ViewerCertificate"] = map[string]any{"MinimumProtocolVersion": "TLSv1"}
	})
	config("with one more behaviour", func(c map[string]any) {
		behaviour := clone(c["DefaultCacheBehavior"]).(map[string]any)
		behaviour["PathPattern"] = "/open/*"
		c["CacheBehaviors"] = []any{behaviour}
	})
	behaviour := func(what, key string, value any) {
		config(what, func(c map[string]any) { c["DefaultCacheBehavior"].(map[string]any)[key] = value })
	}
	behaviour("without TLS for viewers", "ViewerProtocolPolicy", "allow-all")
	behaviour("keeping answers", "CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6")
	behaviour("running a function", "FunctionAssociations", []any{map[string]any{"EventType": "viewer-request"}})
	origin := func(what string, f func(map[string]any)) {
		config(what, func(c map[string]any) { f(c["Origins"].([]any)[0].(map[string]any)) })
	}
	origin("without the proof", func(o map[string]any) { delete(o, "OriginCustomHeaders") })
	origin("redirected to another origin", func(o map[string]any) { o["DomainName"] = "elsewhere.example.net" })
	origin("without TLS to the origin", func(o map[string]any) {
		o["CustomOriginConfig"].(map[string]any)["OriginProtocolPolicy"] = "match-viewer"
	})
}

// handoff gives a later stack the value of another parameter of the same kind:
// another group, another subnet, another store.
func (m *mutator) handoff() {
	family := func(name any) string {
		text := name.(string)
		return text[:strings.LastIndex(text, "/")]
	}
	s := m.w.stacks[m.stack]
	for _, logical := range s.kinds["AWS::SSM::Parameter"] {
		other := s.resources[logical].Properties
		if logical != m.logical && family(other["Name"]) == family(m.resource.Properties["Name"]) {
			m.set("redirected to "+other["Name"].(string), "Value", other["Value"])
		}
	}
}

// store changes what keeps a store's data where it is.
func (m *mutator) store() {
	switch m.resource.Type {
	case "AWS::S3::Bucket":
		m.change("open to the public", func(p map[string]any) { delete(p, "PublicAccessBlockConfiguration") })
		m.change("with access control lists", func(p map[string]any) { delete(p, "OwnershipControls") })
		m.set("copied elsewhere", "ReplicationConfiguration", map[string]any{"Role": "role"})
		m.set("a web site", "WebsiteConfiguration", map[string]any{"IndexDocument": "index.html"})
	case "AWS::DynamoDB::GlobalTable":
		m.change("copied elsewhere", func(p map[string]any) {
			p["Replicas"] = append(p["Replicas"].([]any), map[string]any{"Region": "ap-south-1"})
		})
		m.set("streamed", "StreamSpecification", map[string]any{"StreamViewType": "NEW_AND_OLD_IMAGES"})
	case "AWS::SecretsManager::Secret":
		m.change("copied elsewhere", func(p map[string]any) { p["ReplicaRegions"] = []any{map[string]any{"Region": "ap-south-1"}} })
	}
}
