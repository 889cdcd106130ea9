/**
 * The words of links: what they are for, in the languages sign-up mails are written in. Searched in what a link says, in
 * its address, and in the line before it. Plain alternatives without repetition: linear time.
 */

export interface LinkPurpose {
  /** For people: "it says to ...". */
  readonly purpose: string;
  readonly words: RegExp;
}

/** The first that fits is the purpose. */
export const PURPOSES: readonly LinkPurpose[] = [
  {
    purpose: 'confirm or verify',
    words:
      /confirm|verif|validat|bestätig|bestaetig|verifizier|vérifi|confirma|confirme|conferma|verifica|valider|potwierd|potvrd|potvrď|ověř|overiť|bekräfta|verifiera|bekreft|bekræft|vahvista|bevestig|verifieer|onayla|doğrula|подтверд|подтвердить|підтверд|потвърд|επιβεβαί|επαλήθευσ|megerősít|confirmă|verificați|xác nhận|xác minh|konfirmasi|verifikasi|sahkan|确认|確認|验证|驗證|認証|検証|확인|인증|تأكيد|تحقق|אימות|אשר|सत्यापित|पुष्टि|ยืนยัน|kinnita|apstiprin|patvirtin/iu,
  },
  {
    purpose: 'activate',
    words:
      /activat|aktivier|aktiver|activer|activar|ativar|attiva|aktywuj|aktywacj|aktivov|aktivoi|activeer|etkinleştir|активир|активу|ενεργοποί|aktivál|activează|kích hoạt|aktifkan|激活|激活账户|有効化|활성화|تفعيل|הפעל/iu,
  },
  {
    purpose: 'sign in',
    words:
      /magic|sign[ -]?in|log[ -]?in|anmelden|einloggen|se connecter|connexion|iniciar sesión|entrar|accedi|inloggen|logga in|logg inn|log ind|kirjaudu|zaloguj|přihlás|prihlás|giriş yap|войти|вход|увійти|σύνδεση|bejelentkez|conectează|đăng nhập|masuk|登录|登入|ログイン|サインイン|로그인|تسجيل الدخول|התחבר|लॉग इन/iu,
  },
  {
    purpose: 'set or reset a password',
    words:
      /reset|passwor[dt]|passwort|kennwort|mot de passe|contraseña|senha|reimposta|wachtwoord|lösenord|passord|adgangskode|salasana|hasło|heslo|parola|şifre|парол|κωδικ|jelszó|mật khẩu|kata sandi|重置|重設|密码|密碼|パスワード|비밀번호|كلمة المرور|סיסמה|पासवर्ड/iu,
  },
  {
    purpose: 'accept or begin',
    words:
      /accept|join|get started|complete|finish|annehmen|beitreten|abschließen|rejoindre|accepter|terminer|aceptar|unirse|completar|aceitar|accetta|completa|accepteren|acceptera|godta|hyväksy|zaakceptuj|dołącz|přijmout|kabul et|принять|завершить|прийняти|αποδοχή|elfogad|接受|加入|承諾|参加|수락|참여|قبول|הצטרף/iu,
  },
];

/** What such a link's address holds. */
export const PURPOSE_IN_URL =
  /verif|confirm|activat|validat|magic|sign-?in|log-?in|reset|password|invite|invitation|accept|register|onboard|opt-?in|double-?opt|auth|token|ticket=|otp|email_action|action=/i;

/** Never the one. */
export const ASIDE =
  /unsubscribe|opt-?out|preferences|manage (?:your )?(?:subscription|notification|email)|email settings|notification settings|abmelden|abbestellen|désabonner|désinscri|preferencias|darse de baja|cancelar (?:suscripción|inscrição)|disiscri|annulla l'iscrizione|afmelden|uitschrijven|avregistrera|avsluta prenumeration|avmeld|afmeld|peruuta tilaus|wypisz|odhlásit|abonelikten|отписаться|відписатися|κατάργηση εγγραφής|leiratkoz|dezabon|hủy đăng ký|berhenti berlangganan|退订|取消订阅|配信停止|수신 ?거부|إلغاء الاشتراك|הסר|privacy|datenschutz|confidentialité|privacidad|privacidade|riservatezza|terms|conditions|agb\b|nutzungsbedingungen|légales|imprint|impressum|legal|cookie|view (?:it )?in (?:your )?browser|view online|im browser|web version|help cent|help\b|support|kontakt|contact|faq|about us|über uns|careers|blog|newsroom|app store|google play|play store|download (?:the|our) app|follow us|privacy policy|プライバシー|利用規約|お問い合わせ|隐私|条款|帮助|개인정보|이용약관/iu;

/** They undo, deny or report what the mail is about. */
export const DENIES =
  /not me|wasn'?t me|didn'?t|did not|not you|don'?t recogni|report (?:it|this|abuse)|cancel|revoke|secure (?:my|your) account|lock (?:my|your)|nicht ich|war ich nicht|ce n'était pas|no fui yo|non sono stato|ik was dit niet|это не я|не вы|不是我|心当たりのない|내가 아/iu;

export const SOCIAL =
  /(?:^|\.)(?:facebook|fb|twitter|x|instagram|linkedin|youtube|youtu|tiktok|pinterest|threads|snapchat|reddit|medium|t|wa|bsky|mastodon)\.(?:com|me|be|net|social|co|app)$/i;

export const FILE = /\.(?:png|jpe?g|gif|webp|svg|ico|css|js|woff2?|pdf|zip|mp4)$/i;
