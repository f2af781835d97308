// Reads {log, claims} from standard input; answers, for each claim, null or why @sigstore/verify refuses it.
'use strict'

const { toTrustMaterial, VerificationError } = require('@sigstore/verify')
const { verifyTLogInclusion } = require('@sigstore/verify/dist/tlog')

const bytes = (text) => Buffer.from(text, 'base64')

function judge (claim, tlogs) {
  const entry = {
    logIndex: claim.index,
    canonicalizedBody: bytes(claim.body),
    inclusionProof: {
      logIndex: claim.index,
      treeSize: claim.size,
      hashes: claim.path.map(bytes),
      checkpoint: { envelope: claim.note }
    }
  }
  try {
    verifyTLogInclusion(entry, tlogs)
    return null
  } catch (error) {
    // Anything else is a fault, not a verdict: it must end the run.
    if (!(error instanceof VerificationError)) throw error
    return error.message
  }
}

const { log, claims } = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const { tlogs } = toTrustMaterial({
  tlogs: [{
    baseUrl: log.origin,
    checkpointKeyId: { keyId: bytes(log.keyId) },
    publicKey: { rawBytes: bytes(log.key), keyDetails: 'PKIX_ED25519' }
  }],
  certificateAuthorities: [],
  timestampAuthorities: [],
  ctlogs: []
}, {})
process.stdout.write(JSON.stringify(claims.map((claim) => judge(claim, tlogs))))
