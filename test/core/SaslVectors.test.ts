import * as TestPlatform from "@colloquy/core/testing/TestPlatform"
import { rfcVectors } from "./saslVectors.ts"

rfcVectors("Web Crypto", TestPlatform.layer)
