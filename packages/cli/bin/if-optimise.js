#!/usr/bin/env node
import '../dist/if-optimise.js';
