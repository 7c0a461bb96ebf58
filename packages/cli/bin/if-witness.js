#!/usr/bin/env node
import '../dist/if-witness.js';
