// Package port speaks to Port's API: access tokens, the integration, blueprints and entities.
//
// Every call goes through one request function (request.go), which waits for a free place, signs, sends, classifies and,
// where the call may be repeated, repeats it. What a caller decides on comes back as an *[Error], or, for single
// entities of a bulk, as an *[EntityError].
//
// The package asks Port for nothing on its own account: no goroutine is started here, and nothing is remembered but the
// access token.
package port
