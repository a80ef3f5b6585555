package hooks

import (
	"net/http"
	"time"

	"ferry/jira"
)

// proof is what a delivery is believed for.
type proof int

const (
	byNothing   proof = iota
	byPath            // it came to the secret path
	byToken           // it has a token of the OAuth app's
	bySignature       // its body is signed, which is still to be checked
)

// judge decides what is to prove the delivery, and refuses what can be refused before its body was
// read: a stranger costs no memory.
func (r *Receiver) judge(q *http.Request, d *delivery) error {
	trust := r.config.Trust
	signed := q.Header.Get("X-Hub-Signature") != "" && trust.secret() != ""
	switch {
	case trust.isToken(d.token):
		d.proof, d.verified = byPath, true
		return nil
	case d.token != "":
		return refuseFor(RefusedToken, errToken)
	}
	tokenErr := r.checkToken(q)
	switch {
	case tokenErr == nil:
		d.proof, d.verified = byToken, true
	case signed:
		d.proof = bySignature
	case q.Header.Get("Authorization") != "" && trust.knowsApp():
		return r.misproved(tokenErr)
	case !trust.Unsigned:
		return refuseFor(RefusedUnsigned, r.whatIsMissing(q, tokenErr))
	case !r.rate.Allow():
		return refuseFor(RefusedRate, errRate)
	}
	return nil
}

// checkToken looks for the token that comes with what a dynamic webhook delivers.
func (r *Receiver) checkToken(q *http.Request) error {
	_, err := jira.VerifyJWT(q.Header.Get("Authorization"), time.Now(), r.config.Trust.ClientSecrets...)
	return err
}

// whatIsMissing is, of the two ways to sign, about the one that we can check.
func (r *Receiver) whatIsMissing(q *http.Request, tokenErr error) error {
	if r.config.Trust.secret() == "" && r.config.Trust.knowsApp() {
		return tokenErr
	}
	return jira.VerifySignature(nil, q.Header.Get("X-Hub-Signature"), r.config.Trust.Secrets...)
}

// verify checks the signature of a body, if that is to prove it.
func (r *Receiver) verify(q *http.Request, body []byte, d *delivery) error {
	if d.proof != bySignature {
		return nil
	}
	header := q.Header.Get("X-Hub-Signature")
	if err := jira.VerifySignature(body, header, r.config.Trust.Secrets...); err != nil {
		return r.misproved(err)
	}
	d.verified = true
	if jira.VerifySignature(body, header, r.config.Trust.secret()) == nil {
		r.mu.Lock()
		r.signed.right = d.at
		r.mu.Unlock()
	}
	return nil
}

// signatures is when deliveries last came that were signed with the secret that the webhook is
// registered with, and with none of ours.
type signatures struct{ right, wrong time.Time }

func (r *Receiver) misproved(err error) error {
	r.mu.Lock()
	r.signed.wrong = time.Now()
	r.mu.Unlock()
	return refuseFor(RefusedSignature, err)
}

func (r *Receiver) signatures() signatures {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.signed
}
