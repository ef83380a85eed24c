import type { Mail } from './ports.ts'

type Draft = Omit<Mail, 'id'>

/** @param language  of the recipient; German or, for everybody else, English */
export function codeMail({ to, code, company, language }: CodeMail): Draft {
  if (language === 'de') {
    return {
      to,
      subject: `Ihr Anmeldecode für ${company}`,
      text: `Guten Tag,\n\nmit diesem Code melden Sie sich an:\n\n${code}\n\nEr gilt zehn Minuten und nur einmal. Haben Sie ihn nicht angefordert, brauchen Sie nichts zu tun.\n`,
    }
  }
  return {
    to,
    subject: `Your sign-in code for ${company}`,
    text: `Hello,\n\nsign in with this code:\n\n${code}\n\nIt works once, within ten minutes. If you did not ask for it, there is nothing you need to do.\n`,
  }
}

interface CodeMail {
  to: string
  code: string
  company: string
  language?: string
}

export function invitationMail({ to, company, link, language }: InvitationMail): Draft {
  if (language === 'de') {
    return {
      to,
      subject: `${company} stellt Ihnen Dokumente bereit`,
      text: `Guten Tag,\n\n${company} stellt Ihnen Dokumente in einem Portal bereit. Sie brauchen kein Passwort: Melden Sie sich mit dieser E-Mail-Adresse an, Sie erhalten dann einen Code.\n\n${link}\n`,
    }
  }
  return {
    to,
    subject: `${company} shares documents with you`,
    text: `Hello,\n\n${company} shares documents with you in a portal. You need no password: sign in with this e-mail address and you will be sent a code.\n\n${link}\n`,
  }
}

interface InvitationMail {
  to: string
  company: string
  link: string
  language?: string
}

export function staffInvitationMail({ to, company, link }: InvitationMail): Draft {
  return {
    to,
    subject: `You now work in the archive of ${company} · Sie arbeiten jetzt im Archiv von ${company}`,
    text: `Hello,\n\nyou can now sign in to the archive of ${company}. You need no password: use this e-mail address and you will be sent a code.\n\nSie können sich jetzt im Archiv von ${company} anmelden. Sie brauchen kein Passwort: Verwenden Sie diese E-Mail-Adresse, Sie erhalten dann einen Code.\n\n${link}\n`,
  }
}
