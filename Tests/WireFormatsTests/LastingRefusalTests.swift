import Testing

@testable import WireFormats

@Suite struct LastingRefusalTests {
    @Test(arguments: [
        #"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
        #"{"error":{"code":"insufficient_quota"}}"#, #"{"error":{"type":"exceeded_current_quota_error","message":"m"}}"#,
        #"{"error":{"code":"billing_hard_limit_reached"}}"#, #"{"type":"error","error":{"type":"billing_error","message":"m"}}"#,
        #"{"code":"Arrearage","message":"m"}"#, #"{"error":{"message":"m","type":"budget_exceeded"}}"#, #"{"error":"insufficient_balance"}"#,
        #"[{"error":{"status":"QUOTA_EXHAUSTED"}}]"#, #"{"detail":{"status":"quota_exceeded"}}"#, #"{"error":{"code":"insufficient_credits"}}"#,
    ])
    func moneyIsMissing(body: String) { #expect(LastingRefusal.isSaid(in: Array(body.utf8))) }

    @Test(arguments: [
        #"{"error":{"message":"Rate limit reached for requests","type":"requests","code":"rate_limit_exceeded"}}"#,
        #"{"type":"error","error":{"type":"rate_limit_error"}}"#, #"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota exceeded"}}"#,
        #"{"code":"Throttling.AllocationQuota"}"#, #"{"error":{"type":"overloaded_error"}}"#,
        #"{"error":"You exceeded your quota, wait 20 seconds"}"#,
        "", "{", "insufficient_quota", "[]", #"{"error":null}"#, #"{"error":{"code":"load_balancer"}}"#, #"{"error":{"code":"invalid_credential"}}"#,
    ])
    func timeIsMissing(body: String) { #expect(!LastingRefusal.isSaid(in: Array(body.utf8))) }
}
